"""Scenes: pictures with several people, each of whom may be searched."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, File, UploadFile

from scalereid.detection.detector import Detection
from scalereid.service.errors import NotFoundError
from scalereid.service.pictures import read_pictures
from scalereid.service.state import Served

router = APIRouter(tags=["scenes"])


@dataclass(frozen=True)
class Scene:
    """A picture and the people in it, in pixels of the upright picture: a box of a search means the same."""

    width: int
    height: int
    people: list[Detection]
    """The highest score first."""


@router.post("/api/detect")
def detect(picture: Annotated[UploadFile, File(description="A picture.")], service: Served) -> Scene:
    """Find the people in a picture."""
    if service.detector is None:
        raise NotFoundError("this service has no detector of people; it can be started with one, an ONNX file")
    (image,) = read_pictures([picture], service.limits)
    return Scene(image.width, image.height, service.detector.people(image))
