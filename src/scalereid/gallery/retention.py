"""How long sightings are kept: by camera, and by identity."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from scalereid.gallery import schema
from scalereid.gallery.identities import Identities
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import now, to_microseconds


@dataclass(frozen=True)
class Retention:
    """For how many days sightings are kept: by the rule of their identity, else of their camera, else of all the others.

    Raises:
        ValueError: A number of days is not above 0.
    """

    days: float | None = None
    """For sightings without another rule; None to keep them."""
    cameras: dict[str, float | None] = field(default_factory=dict)
    """By the name of the camera; None to keep its sightings."""
    identities: dict[str, float | None] = field(default_factory=dict)
    """By the number of the identity; None to keep its sightings, whatever the camera's rule."""

    def __post_init__(self) -> None:
        rules = {"other sightings": self.days} | {f"camera {name}": days for name, days in self.cameras.items()}
        for what, days in (rules | {f"identity {number}": days for number, days in self.identities.items()}).items():
            if days is not None and not days > 0:
                raise ValueError(f"the retention of {what} is {days} days; expected more than 0")

    def to_json(self) -> dict[str, Any]:
        """It as JSON values."""
        return asdict(self)

    def limit(self, camera: str, identity: int | None) -> float | None:
        """For how many days a sighting is kept; None for ever."""
        if identity is not None and str(identity) in self.identities:
            return self.identities[str(identity)]
        return self.cameras.get(camera, self.days)


def overdue(ledger: Ledger, identities: Identities, rules: Retention, at: datetime | None = None) -> list[int]:
    """The numbers of sightings that have been kept for longer than the rules say.

    A sighting's age counts from when it was taken, or added, if that is not known.
    """
    moment = to_microseconds(at) if at else now()
    shortest = min(
        (days for days in (rules.days, *rules.cameras.values(), *rules.identities.values()) if days), default=None
    )
    if shortest is None:
        return []
    columns = schema.sightings.c
    since = func.coalesce(columns.time, columns.added).label("since")
    old = (
        select(columns.number, columns.camera, since)
        .where(since < moment - _microseconds(shortest))
        .order_by(columns.number)
    )
    with ledger.engine.begin() as connection:
        rows = connection.execute(old).all()
    found = []
    for row in rows:
        limit = rules.limit(row.camera, identities.of.get(row.number))
        if limit is not None and row.since < moment - _microseconds(limit):
            found.append(int(row.number))
    return found


def _microseconds(days: float) -> int:
    return timedelta(days=days) // timedelta(microseconds=1)
