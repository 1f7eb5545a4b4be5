"""How the service listens: whom it believes, how long it waits for a request, and how it ends."""

import asyncio
import errno
import os
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address, ip_network
from types import FrameType
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""Errors for addresses that a name has and this machine does not, such as those of IPv6."""


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
        if not 0 <= self.port < 2**16:
            raise ValueError(f"the port is {self.port}; expected a number from 0 to 65535")
        for each in self.proxies:
            try:
                ip_network(each)
            except ValueError as error:
                raise ValueError(f"a proxy is {each!r}; expected its address, or a network: {error}") from error


@contextmanager
def bound(how: Listening) -> Iterator[list[socket.socket]]:
    """Sockets that have the port, for each address of the host, and do not listen yet.

    Raises:
        OSError: The port is in use, or cannot be had, or the host has no address; the message says which.
    """
    try:
        places = socket.getaddrinfo(how.host, how.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise OSError(f"{how.host} is no host with an address to listen at") from error
    with ExitStack() as opened:
        sockets, absent = list[socket.socket](), None
        for family, _, _, _, address in dict.fromkeys(places):
            try:
                one = opened.enter_context(socket.socket(family))
                _bind(one, address)
                sockets.append(one)
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise OSError(_told(how, error)) from error
                absent = error
        if absent and not sockets:
            raise OSError(_told(how, absent)) from absent
        yield sockets


def listen(app: ASGIApp, how: Listening, sockets: list[socket.socket]) -> None:
    """Serve an app over HTTP until a signal: SIGTERM and Ctrl-C let requests under way be answered, a second one does not.

    Args:
        app: What answers.
        how: How it listens.
        sockets: Where, as `bound` gives them.
    """
    connection = partial(Connection, how=how, open_now=Counter[str]())
    config = uvicorn.Config(
        app, host=how.host, port=how.port, http=connection, ws="none", log_level="info",  # type: ignore[arg-type]
        access_log=False, server_header=False, proxy_headers=bool(how.proxies), forwarded_allow_ips=list(how.proxies),
        timeout_keep_alive=10, timeout_graceful_shutdown=how.ending,
    )  # fmt: skip
    _Server(config).run(sockets=sockets)


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
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Uvicorn says where it listens only if it has opened the sockets itself."""
        await super().startup(sockets)
        if self.started and sockets:
            self._log_started_message(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Uvicorn would raise the signal anew in the end, as if the process had not ended by itself."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _bind(one: socket.socket, address: Any) -> None:
    if os.name == "posix":
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a service that has just ended holds nobody up
    if one.family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind(address)


def _told(how: Listening, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {how.port} of {how.host} is in use; choose another one, or 0 for any that is free"
    return f"port {how.port} of {how.host} cannot be listened at: {error.strerror}"


def _is_among(address: str, networks: Sequence[str]) -> bool:
    return any(ip_address(address) in ip_network(each) for each in networks)
