"""The page: static files that only their own scripts and styles may run in, and that talk to this service alone."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

router = APIRouter()
FILES = Path(str(files("scalereid.service"))) / "page"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


class _Files(StaticFiles):
    """Files that a browser asks for again, so that page and service are of one version."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """See `StaticFiles`."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


@router.head("/", include_in_schema=False)
@router.get("/", include_in_schema=False)
def index() -> HTMLResponse:
    """The page itself."""
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return HTMLResponse((FILES / "index.html").read_text(), headers=headers)


def add_page(app: FastAPI) -> None:
    """Let an app answer with the page and its files."""
    app.include_router(router)
    app.mount("/page", _Files(directory=FILES))
