"""scalereid gallery serve: a gallery over HTTP."""

import logging
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from scalereid.cli.detector import OptionalDetector
from scalereid.cli.errors import UsageError
from scalereid.cli.gallery.options import GalleryCompute, GalleryPlace, MovedModel
from scalereid.cli.options import Flat, otherwise
from scalereid.packages import require


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Where it is served, and for whom."""

    host: str = "127.0.0.1"
    """Address to listen at; another than this machine's own needs tokens."""
    port: int = 8000
    """Port to listen at; 0 for any that is free."""
    tokens: Annotated[Path | None, otherwise("none")] = None
    """A file that only you can read, with a line NAME TOKEN for each who may ask."""
    allow_host: Annotated[tuple[str, ...], otherwise("localhost; any with tokens")] = ()
    """Names by which the service may be asked."""
    allow_body: int = 32
    """MiB of a request."""
    allow_rate: float = 20.0
    """Requests a second of one client."""
    allow_seconds: float = 30.0
    """Seconds for a request to arrive."""
    proxy: Annotated[tuple[str, ...], otherwise("none")] = ()
    """Addresses of proxies before it, or networks such as 10.0.0.0/24, whose word is
    taken for who the client is."""


def serve(
    gallery: GalleryPlace,
    options: Flat[ServeOptions],
    compute: Flat[GalleryCompute],
    detector: Flat[OptionalDetector],
    model: MovedModel = None,
) -> None:
    """Serve a gallery over HTTP, for this machine alone unless there are tokens.
    /api/openapi.json describes all it answers. Ctrl-C ends it, once the requests
    under way are answered."""
    require("fastapi", extra="serve", purpose="serving a gallery")
    require("uvicorn", extra="serve", purpose="serving a gallery")
    from scalereid.gallery.gallery import Gallery
    from scalereid.service.access import is_loopback, read_tokens
    from scalereid.service.app import LOOPBACK, create_app
    from scalereid.service.limits import Limits
    from scalereid.service.listening import Listening, bound, listen

    tokens = read_tokens(options.tokens) if options.tokens else {}
    for flag, host in (("--host", options.host), *(("--allow-host", each) for each in options.allow_host)):
        if not tokens and not is_loopback(host):
            raise UsageError(f"{flag} {host} lets other machines ask, which needs --tokens FILE")
    hosts = frozenset(options.allow_host) or (frozenset() if tokens else LOOPBACK | {options.host})
    limits = Limits(body=options.allow_body * 1024**2, seconds=options.allow_seconds, rate=options.allow_rate)
    limits = replace(limits, burst=max(1, int(5 * limits.rate)))
    how = Listening(options.host, options.port, options.proxy, options.allow_seconds)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    with bound(how) as sockets:  # before the model is loaded, which takes longer
        finder = detector.open(detector.detector) if detector.detector else None
        served = Gallery(gallery, model=model, options=compute.options())
        served.embedder().warm_up()
        app = create_app(served, tokens=tokens, hosts=hosts, limits=limits, detector=finder)
        listen(app, how, sockets)
