"""How long sightings are kept: by camera, and by identity."""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from scalereid.gallery import schema
from scalereid.gallery.identities import Identities
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import now, to_microseconds

LONGEST = 100_000
"""The most days that a rule can say: any date of our times less these is one, too."""


@dataclass(frozen=True)
class Retention:
    """For how many days sightings are kept: by the rule of their identity, else of their camera, else of all the others.

    Raises:
        ValueError: A number of days is not above 0 and at most `LONGEST`, or an identity is not a number.
    """

    days: float | None = None
    """For sightings without another rule; None to keep them."""
    cameras: dict[str, float | None] = field(default_factory=dict)
    """By the name of the camera; None to keep its sightings."""
    identities: dict[str, float | None] = field(default_factory=dict)
    """By the number of the identity; None to keep its sightings, whatever the camera's rule. See `after_merges`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "identities", {_plain(number): days for number, days in self.identities.items()})
        rules = {"other sightings": self.days} | {f"camera {name}": days for name, days in self.cameras.items()}
        for what, days in (rules | {f"identity {number}": days for number, days in self.identities.items()}).items():
            if days is not None and not 0 < days <= LONGEST:
                raise ValueError(
                    f"the retention of {what} is {days} days; expected more than 0 and at most {LONGEST:,}; None keeps them"
                )

    def to_json(self) -> dict[str, Any]:
        """It as JSON values."""
        return asdict(self)

    def after_merges(self, identities: Identities) -> "Retention":
        """The rules of each identity and of those that became part of it as one: to keep, if one says so, else the shortest."""
        found = dict[str, float | None]()
        for number, days in self.identities.items():
            whole = int(number)
            while whole in identities.merged:
                whole = identities.merged[whole]
            other = found.get(str(whole), days)
            found[str(whole)] = None if days is None or other is None else min(days, other)
        return replace(self, identities=found)

    def limit(self, camera: str, identity: int | None) -> float | None:
        """For how many days a sighting is kept; None for ever."""
        if identity is not None and str(identity) in self.identities:
            return self.identities[str(identity)]
        return self.cameras.get(camera, self.days)


def overdue(ledger: Ledger, identities: Identities, rules: Retention, at: datetime | None = None) -> list[int]:
    """The numbers of sightings that have been kept for longer than the rules say.

    A sighting's age counts from when it was taken, or added, if that is not known.
    """
    moment, rules = to_microseconds(at) if at else now(), rules.after_merges(identities)
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


def _plain(number: str) -> str:
    """The number of an identity as `limit` looks for it: 7 for 07."""
    try:
        return str(int(number))
    except ValueError:
        raise ValueError(f"the retention names identity {number!r}; expected its number") from None


def _microseconds(days: float) -> int:
    return timedelta(days=days) // timedelta(microseconds=1)
