"""How the service listens: whom it believes, how long it waits for a request, and how it ends."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address, ip_network
from types import FrameType
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True)
class Listening:
    """Where it listens, and to whom."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0 for any that is free."""
    proxies: Sequence[str] = ()
    """Addresses, or networks such as 10.0.0.0/24, of proxies: the client that they name is believed."""
    seconds: float = 30
    """For the headers of a request to arrive."""
    connections: int = 100
    """Of one client that is no proxy, open at once."""
    ending: int = 30
    """Seconds in which requests under way are answered once it is told to end."""

    def __post_init__(self) -> None:
        for each in self.proxies:
            try:
                ip_network(each)
            except ValueError as error:
                raise ValueError(f"a proxy is {each!r}; expected its address, or a network: {error}") from error


def listen(app: ASGIApp, how: Listening) -> None:
    """Serve an app over HTTP until a signal: SIGTERM and Ctrl-C let requests under way be answered, a second one does not."""
    connection = partial(Connection, how=how, open_now=Counter[str]())
    config = uvicorn.Config(
        app, host=how.host, port=how.port, http=connection, ws="none", log_level="info",  # type: ignore[arg-type]
        access_log=False, server_header=False, proxy_headers=bool(how.proxies), forwarded_allow_ips=list(how.proxies),
        timeout_keep_alive=10, timeout_graceful_shutdown=how.ending,
    )  # fmt: skip
    _Server(config).run()


class Connection(H11Protocol):
    """A connection that is closed where a request takes too long to arrive, or a client has too many open.

    Uvicorn itself waits for headers without end, so that a few thousand connections that say nothing would be all it can have;
    and for the rest of a body that was answered already.
    """

    def __init__(self, *given: Any, how: Listening, open_now: Counter[str], **named: Any) -> None:
        super().__init__(*given, **named)
        self._how, self._open_now, self._address = how, open_now, ""
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        if address and not _is_among(address, self._how.proxies):
            self._address = address
            self._open_now[address] += 1
            if self._open_now[address] > self._how.connections:
                return transport.abort()
        self._wait()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        super().data_received(data)
        self._wait()

    def on_response_complete(self) -> None:
        """Of a request whose body is not all there yet: what remains of it is read for a while, and thrown away."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        super().connection_lost(exc)
        if self._patience:
            self._patience.cancel()
        if self._address:
            self._open_now[self._address] -= 1
            if not self._open_now[self._address]:
                del self._open_now[self._address]

    def _wait(self) -> None:
        """Begin to wait for the rest of a request that nothing else waits for, or end it, as it is there."""
        answered = bool(self.cycle and self.cycle.response_complete)
        incomplete = self.conn.their_state is h11.IDLE or (self.conn.their_state is h11.SEND_BODY and answered)
        if incomplete and not self._patience:
            self._patience = self.loop.call_later(self._how.seconds, self.transport.abort)
        elif not incomplete and self._patience:
            self._patience.cancel()
            self._patience = None


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Uvicorn would raise the signal anew in the end, as if the process had not ended by itself."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _is_among(address: str, networks: Sequence[str]) -> bool:
    return any(ip_address(address) in ip_network(each) for each in networks)
