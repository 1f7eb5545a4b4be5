"""Who searched a gallery, when, for what, and for which stated purpose."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, insert, select

from scalereid.gallery import schema
from scalereid.gallery.sightings import from_microseconds, now


@dataclass(frozen=True)
class Search:
    """A search that was made."""

    at: datetime
    """In UTC."""
    by: str
    """Who searched; empty if not known."""
    purpose: str
    """As whoever searched stated it."""
    what: dict[str, Any]
    """Its conditions, in JSON values."""


def record_search(engine: Engine, what: dict[str, Any], *, by: str, purpose: str) -> None:
    """Record a search; `what` are JSON values."""
    with schema.writing(engine) as connection:
        values = {"at": now(), "by": by, "purpose": purpose, "what": json.dumps(what)}
        connection.execute(insert(schema.searches).values(values))


def searches(engine: Engine) -> list[Search]:
    """All searches that were made, oldest first."""
    columns = schema.searches.c
    with engine.begin() as connection:
        rows = connection.execute(select(schema.searches).order_by(columns.number)).all()
    return [Search(from_microseconds(row.at), row.by, row.purpose, json.loads(row.what)) for row in rows]
