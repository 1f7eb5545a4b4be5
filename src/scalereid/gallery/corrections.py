"""What a person says about who is who: each an event, and each can be undone."""

from collections.abc import Sequence
from copy import copy
from typing import Self

from scalereid.gallery.events import Confirm, Enrol, Event, Merge, Reject, Rename, Split, Undo
from scalereid.gallery.history import History
from scalereid.gallery.identities import Identities


class Corrections:
    """The part of a gallery that takes corrections.

    Each raises ConflictError where it contradicts what was said before, and ValueError where a sighting is not there; the
    message says what to do, and nothing is recorded.

    Attributes:
        history: What was said so far.
        by: Who says it, for the record.
    """

    def __init__(self, history: History, by: str) -> None:
        self.history, self.by = history, by

    def acting(self, by: str) -> Self:
        """The same gallery in the name of somebody else, whose events and searches are recorded as theirs."""
        other = copy(self)
        other.by = by
        return other

    @property
    def identities(self) -> Identities:
        """Who is who now."""
        return self.history.identities()

    def enrol(self, sightings: Sequence[int], name: str = "") -> int:
        """Make a new identity of sightings; its number."""
        return self.history.record(Enrol(tuple(sightings), name), by=self.by).number

    def confirm(self, identity: int, sightings: Sequence[int]) -> Event:
        """Say that sightings show an identity."""
        return self.history.record(Confirm(identity, tuple(sightings)), by=self.by)

    def reject(self, identity: int, sightings: Sequence[int]) -> Event:
        """Say that sightings do not show an identity."""
        return self.history.record(Reject(identity, tuple(sightings)), by=self.by)

    def merge(self, identity: int, others: Sequence[int]) -> Event:
        """Say that other identities are this one."""
        return self.history.record(Merge(identity, tuple(others)), by=self.by)

    def split(self, identity: int, sightings: Sequence[int], name: str = "") -> int:
        """Say that some of an identity's sightings show somebody else, a new identity; its number."""
        return self.history.record(Split(identity, tuple(sightings), name), by=self.by).number

    def rename(self, identity: int, name: str) -> Event:
        """Give an identity another name."""
        return self.history.record(Rename(identity, name), by=self.by)

    def undo(self, event: int | None = None) -> Event:
        """Take back an event, by default the last that can be."""
        return self.history.record(Undo(self.history.last_undoable() if event is None else event), by=self.by)
