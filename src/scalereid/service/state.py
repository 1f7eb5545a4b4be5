"""What requests work with."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from scalereid.detection.detector import Detector
from scalereid.gallery.gallery import Gallery
from scalereid.service.limits import Limits


@dataclass(frozen=True)
class Service:
    """A gallery that is served, what a request may cost, and what finds people in scenes."""

    gallery: Gallery
    limits: Limits
    detector: Detector | None = None


def _service(request: Request) -> Service:
    found: Service = request.app.state.service
    return found


def _gallery(request: Request) -> Gallery:
    return _service(request).gallery.acting(request.state.by)


Served = Annotated[Service, Depends(_service)]
Acting = Annotated[Gallery, Depends(_gallery)]
"""The gallery, in the name of whoever asks."""
