"""The service: its parts, in the order in which a request passes them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from scalereid import __version__
from scalereid.detection.detector import Detector
from scalereid.gallery.gallery import Gallery
from scalereid.service import about, finding, health, people, scenes
from scalereid.service.access import Access, is_loopback
from scalereid.service.errors import REFUSALS, answer_errors
from scalereid.service.health import Measured
from scalereid.service.limits import LimitedBody, Limits, RateLimit
from scalereid.service.page import add_page
from scalereid.service.state import Service

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def create_app(
    gallery: Gallery,
    *,
    tokens: Mapping[str, str] | None = None,
    hosts: frozenset[str] = LOOPBACK,
    limits: Limits | None = None,
    detector: Detector | None = None,
) -> FastAPI:
    """A gallery as an ASGI app, which closes the gallery when it ends.

    Args:
        gallery: Which one.
        tokens: Names of those who may ask, each with a bearer token. Without any, whoever reaches the app may ask.
        hosts: Names by which it may be asked; empty for any, which needs tokens.
        limits: What a request may cost.
        detector: What finds the people in scenes. Without one nothing does.

    Raises:
        ValueError: A token is shorter than 16 characters, or there are none and other machines may ask.
    """
    tokens, limits = tokens or {}, limits or Limits()
    if short := [name for name, token in tokens.items() if len(token) < 16]:
        raise ValueError(f"the token of {short[0]} is shorter than 16 characters; draw a longer one")
    if not tokens and not (hosts and all(map(is_loopback, hosts))):
        raise ValueError("other machines may ask only with a token; give tokens, or only loopback hosts")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        gallery.close()

    # No page of FastAPI's own: they take scripts from another host.
    app = FastAPI(
        title="scalereid gallery", version=__version__, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
        lifespan=lifespan, responses=REFUSALS,
    )  # fmt: skip
    app.state.service = Service(gallery, limits, detector)
    answer_errors(app)
    for part in (health, about, finding, people, scenes):
        app.include_router(part.router)
    add_page(app)
    # The last that is added comes first.
    app.add_middleware(LimitedBody, limits=limits)
    app.add_middleware(Access, tokens=tokens, hosts=hosts)
    app.add_middleware(RateLimit, limits=limits)
    app.add_middleware(Measured)
    return app
