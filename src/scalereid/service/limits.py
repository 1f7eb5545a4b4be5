"""What a request may cost: bytes, seconds, pixels, and how many of them a client may send."""

import asyncio
import math
import time
from collections import OrderedDict
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scalereid.service.errors import refuse


@dataclass(frozen=True)
class Limits:
    """What one request, or one client, may ask for."""

    body: int = 32 * 1024**2
    """Bytes of a request with pictures."""
    other_body: int = 4 * 1024**2
    """Bytes of any other request, which are read into memory at once."""
    seconds: float = 30
    """For a request to arrive."""
    pixels: int = 60_000_000
    """Of the pictures of a request."""
    pictures: int = 64
    """Of a request."""
    rate: float = 20
    """Requests a second of one client, on average."""
    burst: int = 100
    """Requests of one client at once."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value < math.inf:
                raise ValueError(f"{name} is {value:g}; expected a number above 0")


class LimitedBody:
    """Refuses bodies that are too large, or take too long to arrive."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        form = headers.get(b"content-type", b"").lower().startswith(b"multipart/form-data")
        most = self.limits.body if form else min(self.limits.body, self.limits.other_body)
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > 18 or int(declared) > most:
            return await refuse(scope, receive, send, 413, _too_large(most))
        body = _Body(receive, send, most, self.limits.seconds)
        try:
            await self.app(scope, body.receive, body.send)
        except _RefusedError:
            if body.is_answered:
                raise
        if body.refused and not body.is_answered:
            await refuse(scope, receive, send, body.refused.status, body.refused.why)


class _Body:
    """The body of a request as it arrives."""

    def __init__(self, receive: Receive, send: Send, most: int, seconds: float) -> None:
        self._receive, self._send, self._most, self._seconds = receive, send, most, seconds
        self._until, self._size, self._is_complete = time.monotonic() + seconds, 0, False
        self.is_answered = False
        self.refused: _RefusedError | None = None

    async def receive(self) -> Message:
        """See ASGI."""
        if self._is_complete:
            return await self._receive()  # waits for the client to go away
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            why = f"the request did not arrive within {self._seconds:g} s; send it again"
            self.refused = _RefusedError(408, why)
            raise self.refused from None
        self._size += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        if self._size > self._most:
            self.refused = _RefusedError(413, _too_large(self._most))
            raise self.refused
        return message

    async def send(self, message: Message) -> None:
        """See ASGI. Of a body that was refused, whoever parses it says only that it cannot be parsed."""
        if self.is_answered or not self.refused:
            self.is_answered = True
            await self._send(message)


class _RefusedError(Exception):
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


def _too_large(most: int) -> str:
    return f"the request has more than {most / 1024**2:g} MiB; send fewer or smaller pictures, or less at once"


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
