"""Forgetting: what is deleted leaves no byte of itself in the ledger."""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace

from sqlalchemy import Connection, Engine, delete, insert, update
from sqlalchemy.exc import OperationalError

from scalereid.gallery import schema
from scalereid.gallery.events import Confirm, Enrol, Event, Forget, Rename, Split, to_text
from scalereid.gallery.history import History, Recording
from scalereid.gallery.identities import undone, with_merged
from scalereid.gallery.ledger import in_parts
from scalereid.gallery.postgresql import rewrite

_PATIENCE = 60  # seconds for other processes that read or copy the log
_PAUSE = 0.05  # seconds between two looks whether they have ended


class NotOverwrittenError(OSError):
    """What was forgotten is deleted, but bytes of it may be left until `overwrite` is called again."""


def forget(history: History, *, identity: int | None = None, sightings: Iterable[int] = (), by: str = "") -> list[int]:
    """Delete an identity with all its sightings and names, or single sightings, and record that it was done.

    What is deleted is overwritten before this returns: embeddings, crops, sources, attributes and names, also those that
    the sightings had in events that were undone. The numbers of sightings and identities stay in the events.

    Returns:
        The numbers of the sightings that were deleted.

    Raises:
        ConflictError: There is no such identity.
        ValueError: There is no such sighting.
        NotOverwrittenError: It is deleted and recorded, but its bytes may be there: see `overwrite`, to be called again.
    """
    with history.recording(by) as recording:
        numbers = set(Forget(None, tuple(sightings)).sightings)
        if identity is not None:
            numbers |= recording.identities.get(identity).sightings
        names = set() if identity is None else with_merged(recording.identities, identity)
        recording.record(Forget(identity, tuple(sorted(numbers))))
        _delete(recording.connection, sorted(numbers))
        _remove_names(recording, names | _taken_back(recording.events, numbers))
    history.reread()
    overwrite(history.engine)
    return sorted(numbers)


def overwrite(engine: Engine) -> None:
    """Write the database anew, as rows that were deleted may still be in parts of pages that are free.

    Raises:
        NotOverwrittenError: Another process has been reading or writing for too long, or there is no room for a copy: what was
            deleted is deleted, but its bytes may be there until this is called again.
    """
    try:
        if engine.dialect.name == "postgresql":
            rewrite(engine, schema.NAMES)
        else:
            _vacuum(engine)
    except (TimeoutError, sqlite3.OperationalError, OperationalError) as error:
        raise NotOverwrittenError(
            f"what was forgotten is deleted, but its bytes may still be in {schema.public_name(engine.url)}, as this could not "
            f"be written anew: {getattr(error, 'orig', error)}; overwrite them once that has passed"
        ) from error


def _vacuum(engine: Engine) -> None:
    """Write an SQLite database anew, and empty its log."""
    with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA secure_delete = OFF")  # as all is written anew: a third of the time less
        try:
            cursor.execute("VACUUM")
        finally:
            cursor.execute("PRAGMA secure_delete = ON")
        until = time.monotonic() + _PATIENCE
        while cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:  # at once, while another process does it
            if time.monotonic() > until:
                raise TimeoutError("another process is reading it")
            time.sleep(_PAUSE)


def _delete(connection: Connection, numbers: list[int]) -> None:
    for part in in_parts(numbers):
        for column in (schema.embeddings.c.sighting, schema.crops.c.sighting, schema.sightings.c.number):
            connection.execute(delete(column.table).where(column.in_(part)))
        connection.execute(insert(schema.removals), [{"sighting": number} for number in part])


def _taken_back(events: Sequence[Event], sightings: set[int]) -> set[int]:
    """Identities that the sightings were said to show, and that do not exist as this was undone: nobody can name them."""
    gone = undone(events)
    said = ((event.number, event.body) for event in events if event.number in gone)
    found = {
        body.identity if isinstance(body, Confirm) else number
        for number, body in said
        if isinstance(body, Enrol | Split | Confirm) and not sightings.isdisjoint(body.sightings)
    }
    return found & gone.keys()


def _remove_names(recording: Recording, identities: set[int]) -> None:
    """Take the names of identities out of the events that gave them."""
    for number, body in ((event.number, event.body) for event in recording.events):
        if not isinstance(body, Enrol | Split | Rename) or not body.name:
            continue
        if (body.identity if isinstance(body, Rename) else number) in identities:
            without = update(schema.events).where(schema.events.c.number == number)
            recording.connection.execute(without.values(body=to_text(replace(body, name=""))))
