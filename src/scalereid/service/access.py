"""Who may ask: bearer tokens, the host that is asked for, and the page that asks."""

import hmac
import os
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from scalereid.service.errors import refuse

OPEN = ("/api/health", "/api/ready")
"""Paths that need no token."""
_PORTS = {"http": 80, "https": 443}
_SAFE = ("GET", "HEAD", "OPTIONS")


class Access:
    """Lets requests pass that have a token, if there are tokens, and that no other site's page has sent.

    A request asks for a host by name: another name than those allowed is that of a site which has let its own name point here,
    so that its pages may read what is here.

    Args:
        tokens: Each token's name, which is recorded as who asked, and the token.
        hosts: Names by which the service may be asked; empty for any, which needs tokens.
    """

    def __init__(self, app: ASGIApp, tokens: Mapping[str, str], hosts: frozenset[str]) -> None:
        self.app, self.hosts = app, frozenset(map(str.lower, hosts))
        self.tokens = {name: _digest(token) for name, token in tokens.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = _name(headers.get("host", ""))
        if self.hosts and host not in self.hosts:
            why = f"this is not {host}; name it among the hosts if it is" if host else "the request names no host"
            return await refuse(scope, receive, send, 421, why)
        if scope["method"] not in _SAFE and not _same_site(headers):
            return await refuse(scope, receive, send, 403, "a page of another site has sent this")
        by = headers.get("x-by", "") if not self.tokens else self._owner(headers.get("authorization", ""))
        if by is None and scope["path"].startswith("/api/") and scope["path"] not in OPEN:
            why = "the request has no valid token; send the header Authorization: Bearer TOKEN"
            return await refuse(scope, receive, send, 401, why, {"WWW-Authenticate": "Bearer"})
        scope.setdefault("state", {})["by"] = by or ""
        await self.app(scope, receive, send)

    def _owner(self, authorization: str) -> str | None:
        """The name of the token in a header; all are compared in the same time, of whatever length they are."""
        kind, _, given = authorization.partition(" ")
        own, found = _digest(given.strip()), None
        for name, digest in self.tokens.items():
            if hmac.compare_digest(own, digest) and kind.lower() == "bearer":
                found = name
        return found


def read_tokens(file: Path) -> dict[str, str]:
    """The tokens in a file, by the names of those who have them: a line NAME TOKEN for each.

    Raises:
        FileNotFoundError: The file does not exist.
        PermissionError: Others can read it.
        ValueError: A line is something else; the message names it, and not the token.
    """
    if os.name == "posix" and file.stat().st_mode & 0o077:
        raise PermissionError(f"{file} has tokens, and others can read it; let only yourself: chmod 600 {file}")
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not text in UTF-8: {error.reason} at byte {error.start}") from None
    found = {}
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or words[0] in found:
            raise ValueError(f"{file}, line {number}: expected NAME TOKEN, each name once")
        if not words[1].isascii():
            raise ValueError(
                f"{file}, line {number}: the token is not in ASCII, and no client could send it; draw another"
            )
        found[words[0]] = words[1]
    if not found:
        raise ValueError(f"{file} has no tokens; write a line NAME TOKEN for each who may ask")
    return found


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host by that name or address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()


def _same_site(headers: Mapping[str, str]) -> bool:
    """Whether a request was sent by a page of the service's own, or by no page."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    if (origin := headers.get("origin")) is None:
        return True
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    port = _PORTS.get(page.scheme)  # either side may leave it out
    own, asked = (each.lower().removesuffix(f":{port}") for each in (page.netloc, headers.get("host", "")))
    return port is not None and own == asked != ""


def _name(host: str) -> str:
    """A host without its port; empty for what is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
