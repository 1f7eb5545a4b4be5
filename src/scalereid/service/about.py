"""What a page must know before it asks: what is served, and to whom."""

from dataclasses import dataclass

from fastapi import APIRouter

from scalereid import __version__
from scalereid.gallery.answers import Thresholds
from scalereid.gallery.checking import count_by_camera
from scalereid.inference.metadata import ModelMetadata
from scalereid.service.state import Acting, Served

router = APIRouter(tags=["health"])
_RECENT = 1_000  # sightings whose attributes are looked at


@dataclass(frozen=True)
class About:
    """What is served."""

    version: str
    database: str
    model: str
    calibration: str
    """What the model was calibrated on; empty without a calibration, and then answers have no probabilities."""
    thresholds: Thresholds
    sightings: int
    identities: int
    cameras: dict[str, int]
    """Number of sightings by each; the empty name for those whose camera is not known."""
    attributes: list[str]
    """Names of the attributes of the newest sightings."""
    detector: str
    """Name of the detector that finds people in scenes; empty without one."""
    by: str
    """Whose token was sent; empty without tokens."""
    body: int
    """Most bytes of a request."""
    pictures: int
    """Most pictures of a request."""


@router.get("/api/about")
def about(service: Served, gallery: Acting) -> About:
    """What is served, for a page that starts."""
    ledger, model = gallery.ledger, gallery.model
    cameras, calibration = count_by_camera(ledger), model.calibrated
    newest = gallery.sightings(ledger.select(last=_RECENT).tolist()).values()
    return About(
        version=__version__,
        database=ledger.name,
        model=ModelMetadata.from_json(model.metadata).model,
        calibration=calibration.dataset if calibration else "",
        thresholds=gallery.thresholds,
        sightings=sum(cameras.values()),
        identities=len(gallery.identities.by_number),
        cameras=cameras,
        attributes=sorted({name for sighting in newest for name in sighting.seen.attributes}),
        detector=service.detector.name if service.detector else "",
        by=gallery.by,
        body=service.limits.body,
        pictures=service.limits.pictures,
    )
