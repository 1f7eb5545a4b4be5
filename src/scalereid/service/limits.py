"""What a request may cost: bytes, seconds, pixels, and how many of them a client may send."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scalereid.service.errors import refuse


@dataclass(frozen=True)
class Limits:
    """What one request, or one client, may ask for."""

    body: int = 32 * 1024**2
    """Bytes of a request."""
    seconds: float = 30
    """For a request to arrive."""
    pixels: int = 60_000_000
    """Of a picture."""
    pictures: int = 64
    """Of a request."""
    rate: float = 20
    """Requests a second of one client, on average."""
    burst: int = 100
    """Requests of one client at once."""


class LimitedBody:
    """Refuses bodies that are too large, or take too long to arrive."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self.limits.body:
            return await refuse(scope, receive, send, 413, self._too_large())
        until, size, complete, answered = time.monotonic() + self.limits.seconds, 0, False, False

        async def limited() -> Message:
            nonlocal size, complete
            if complete:
                return await receive()  # waits for the client to go away
            try:
                message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
            except TimeoutError:
                raise _RefusedError(
                    408, f"the request did not arrive within {self.limits.seconds:g} s; send it again"
                ) from None
            size += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if size > self.limits.body:
                raise _RefusedError(413, self._too_large())
            return message

        async def noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.app(scope, limited, noted)
        except _RefusedError as refused:
            if answered:
                raise
            await refuse(scope, receive, send, refused.status, refused.why)

    def _too_large(self) -> str:
        return f"the request has more than {self.limits.body / 1024**2:g} MiB; send fewer or smaller pictures"


class _RefusedError(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class RateLimit:
    """Refuses what a client asks beyond its rate: each has a bucket of tokens, which fills steadily."""

    _MOST = 10_000  # clients that are remembered; those that came least recently are forgotten

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self.buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, and when they were counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            client = scope["client"][0] if scope.get("client") else ""
            if wait := self.wait(client, time.monotonic()):
                why = f"more than {self.limits.rate:g} requests a second; try again in {wait:.1f} s"
                return await refuse(scope, receive, send, 429, why, {"Retry-After": str(int(wait) + 1)})
        await self.app(scope, receive, send)

    def wait(self, client: str, now: float) -> float:
        """Seconds until a client may ask again; 0 if it may now, which counts."""
        tokens, at = self.buckets.pop(client, (float(self.limits.burst), now))
        tokens = min(float(self.limits.burst), tokens + (now - at) * self.limits.rate)
        may = tokens >= 1
        self.buckets[client] = (tokens - 1 if may else tokens, now)
        while len(self.buckets) > self._MOST:
            self.buckets.popitem(last=False)
        return 0.0 if may else (1 - tokens) / self.limits.rate
