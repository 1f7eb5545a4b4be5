"""What requests work with."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from scalereid.detection.detector import Detector
from scalereid.gallery.gallery import Gallery
from scalereid.inference.embedder import Embedder
from scalereid.service.errors import NotReadyError
from scalereid.service.limits import Limits


@dataclass(frozen=True)
class Service:
    """A gallery that is served, what a request may cost, and what finds people in scenes."""

    gallery: Gallery
    limits: Limits
    detector: Detector | None = None


# Coroutines, as FastAPI runs functions in threads, which takes longer than these do.
async def _service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


async def _gallery(request: Request) -> Gallery:
    service: Service = request.app.state.service
    return service.gallery.acting(request.state.by)


Served = Annotated[Service, Depends(_service)]
Acting = Annotated[Gallery, Depends(_gallery)]
"""The gallery, in the name of whoever asks."""


def embedder(gallery: Gallery) -> Embedder:
    """The gallery's model at work.

    Raises:
        NotReadyError: It is not where it was, or is another model than that of the gallery's embeddings.
    """
    try:
        return gallery.embedder()
    except (ValueError, OSError) as error:
        raise NotReadyError(str(error)) from error
