"""A sighting: one picture of a person, where and when it was taken, and what was made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Seen:
    """What is known of a picture beside its pixels. What is not known is empty or None."""

    source: str
    """The file, or whatever it came from."""
    camera: str = ""
    time: datetime | None = None
    """When it was taken; in UTC where it names no time zone."""
    box: tuple[float, float, float, float] | None = None
    """Left, top, right and bottom of the person in the source, in pixels, where it is not the whole picture."""
    track: str = ""
    """Of pictures that a tracker has joined; the same name for the same track of a camera."""
    attributes: Mapping[str, float] = field(default_factory=dict)
    """Likelihoods of attributes, from 0 to 1, by name."""


@dataclass(frozen=True)
class NewSighting:
    """A sighting to add."""

    seen: Seen
    digest: str
    """Of picture and box: what is in the gallery already is not added again."""
    vector: NDArray[np.float32]
    """(d,) the embedding, of length 1."""
    crop: bytes = b""
    """The picture of the person alone, as JPEG; empty to keep none."""


@dataclass(frozen=True)
class Sighting:
    """A sighting in the gallery."""

    number: int
    seen: Seen
    added: datetime


def to_microseconds(time: datetime) -> int:
    """Microseconds since 1970, in UTC; a time without a zone counts as UTC.

    Raises:
        ValueError: In UTC it is before the year 1 or after 9999, and could not be read again.
    """
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    try:
        return (aware.astimezone(UTC) - _EPOCH) // _MICROSECOND
    except OverflowError:
        raise ValueError(f"the time is {time}; expected one that is in the years 1 to 9999 in UTC") from None


def from_microseconds(microseconds: int) -> datetime:
    """The time that `to_microseconds` gave, in UTC."""
    return _EPOCH + microseconds * _MICROSECOND


def now() -> int:
    """The time as `to_microseconds` gives it."""
    return to_microseconds(datetime.now(UTC))


def to_row(new: NewSighting) -> dict[str, object]:
    """The row of a new sighting in the ledger's table of them."""
    seen = new.seen
    return {
        "digest": new.digest,
        "source": seen.source,
        "camera": seen.camera,
        "time": None if seen.time is None else to_microseconds(seen.time),
        "box": seen.box,
        "track": seen.track,
        "attributes": dict(seen.attributes),
        "added": now(),
    }


def from_row(row: Any) -> Sighting:
    """The sighting of such a row."""
    seen = Seen(
        source=row.source,
        camera=row.camera,
        time=None if row.time is None else from_microseconds(row.time),
        box=tuple(row.box) if row.box else None,
        track=row.track,
        attributes=row.attributes,
    )
    return Sighting(row.number, seen, from_microseconds(row.added))
