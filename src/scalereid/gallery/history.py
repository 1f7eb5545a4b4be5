"""The events of a ledger, and who is who after them; kept up to date with what other processes record."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, insert, select

from scalereid.files import require_utf8
from scalereid.gallery import schema
from scalereid.gallery.events import Body, Event, Forget, Merge, Rename, Undo, from_text, to_text
from scalereid.gallery.identities import ConflictError, Identities, check_undo, effective
from scalereid.gallery.ledger import inserted, present
from scalereid.gallery.sightings import from_microseconds, now


class History:
    """What was said about sightings, and what follows from it.

    May be used from several threads and processes.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = threading.RLock()
        self._events: list[Event] = []
        self._identities = Identities()
        self._is_given_away = False  # whether others may be reading `_identities`

    def events(self) -> list[Event]:
        """All events, oldest first.

        Raises:
            ValueError: One is damaged, or of a later version; the message names it.
        """
        with self._lock, self.engine.begin() as connection:
            self._catch_up(connection)
            return list(self._events)

    def identities(self) -> Identities:
        """Who is who now, and stays so in what is returned. Not to be changed.

        Raises:
            ValueError: An event is damaged, of a later version, or contradicts those before it; the message names it.
        """
        with self._lock, self.engine.begin() as connection:
            self._catch_up(connection)
            self._is_given_away = True
            return self._identities

    def last_undoable(self) -> int:
        """The number of the last event that counts and can be undone.

        Raises:
            ConflictError: There is none.
        """
        events = self.events()
        for event in reversed(effective(events)):
            if not isinstance(event.body, Forget):
                with suppress(ConflictError):  # what was forgotten since needs it
                    check_undo(events, event.number)
                    return event.number
        raise ConflictError("nothing was said that can be undone")

    def record(self, body: Body, *, by: str = "") -> Event:
        """Append an event, unless it contradicts those before it.

        Raises:
            ConflictError: It does; the message says how.
            ValueError: It names a sighting that is not in the gallery, or gives a name that is not UTF-8.
        """
        with self.recording(by) as recording:
            return recording.record(body)

    @contextmanager
    def recording(self, by: str = "") -> Iterator["Recording"]:
        """A transaction in which events are recorded: all of them, or none if the block fails."""
        with self._lock:
            try:
                with schema.writing(self.engine) as connection:
                    self._catch_up(connection)
                    yield Recording(self, connection, by)
            except BaseException:
                self.reread()  # as nothing of it is in the ledger
                raise

    def reread(self) -> None:
        """Read all events anew when they are next needed."""
        with self._lock:
            self._events = []
            self._replace(Identities())

    def _replace(self, identities: Identities) -> Identities:
        self._identities, self._is_given_away = identities, False
        return identities

    def _own(self) -> Identities:
        """The identities, to be changed."""
        return self._replace(self._identities.copy()) if self._is_given_away else self._identities

    def _catch_up(self, connection: Connection) -> None:
        """Read the events that were recorded since the last time; all, if somebody was forgotten, whose names they had."""
        new = _read(connection, self._events[-1].number if self._events else 0)
        if self._events and any(isinstance(event.body, Forget) for event in new):
            self.reread()
            new = _read(connection, 0)
        if any(isinstance(event.body, Undo) for event in new):
            self._replace(Identities.replay([*self._events, *new]))
        else:
            for event in new:
                self._own().apply(event)
        self._events += new


class Recording:
    """A transaction that records events."""

    def __init__(self, history: History, connection: Connection, by: str) -> None:
        self.history, self.connection, self.by = history, connection, by

    @property
    def events(self) -> Sequence[Event]:
        """All events so far."""
        return self.history._events

    @property
    def identities(self) -> Identities:
        """Who is who now."""
        return self.history._identities

    def record(self, body: Body) -> Event:
        """Append an event; see `History.record`."""
        if not isinstance(body, Undo | Merge | Rename):
            if not body.sightings and not isinstance(body, Forget):
                raise ValueError(f"there is nothing to {body.kind}; name at least one sighting")
            self._check_sightings(body.sightings)
        require_utf8(getattr(body, "name", ""), "and no answer of a service could hold it; give another name")
        if isinstance(body, Undo):
            after = check_undo(self.events, body.event)
        at = now()
        row = insert(schema.events).values(at=at, by=self.by, kind=body.kind, body=to_text(body))
        event = Event(inserted(self.connection.execute(row)), from_microseconds(at), self.by, body)
        if isinstance(body, Undo):
            self.history._replace(after)
        else:
            self.history._own().apply(event)
        self.history._events.append(event)
        return event

    def _check_sightings(self, numbers: tuple[int, ...]) -> None:
        there = present(self.connection, schema.sightings.c.number, numbers)
        if missing := sorted(set(numbers) - there):
            raise ValueError(f"No such sighting: {missing[0]}. It is not in the gallery, or was forgotten.")


def _read(connection: Connection, after: int) -> list[Event]:
    """The events that were recorded after the one numbered `after`, oldest first."""
    columns, found = schema.events.c, []
    for row in connection.execute(select(schema.events).where(columns.number > after).order_by(columns.number)).all():
        try:
            body = from_text(row.kind, row.body)
        except ValueError as error:
            raise ValueError(f"event {row.number} of the ledger is damaged: {error}") from error
        found.append(Event(row.number, from_microseconds(row.at), row.by, body))
    return found
