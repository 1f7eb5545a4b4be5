"""Who is who: computed from events alone, so that whatever was said can be taken back."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from functools import singledispatchmethod

from scalereid.gallery.events import Confirm, Enrol, Event, Forget, Merge, Reject, Rename, Split, Undo
from scalereid.wording import counted


class ConflictError(ValueError):
    """An event that contradicts what was said before."""


@dataclass
class Identity:
    """A person, as far as is known."""

    name: str = ""
    sightings: set[int] = field(default_factory=set)


@dataclass
class Identities:
    """The identities of sightings. Sightings without an identity are unknown people's.

    Two are equal if they say the same.
    """

    by_number: dict[int, Identity] = field(default_factory=dict)
    of: dict[int, int] = field(default_factory=dict)
    """The identity of each sighting that has one."""
    rejected: dict[int, set[int]] = field(default_factory=dict)
    """Of each sighting, the identities that it was said not to show."""
    merged: dict[int, int] = field(default_factory=dict)
    """The identity that each merged one is part of."""
    forgotten: set[int] = field(default_factory=set)
    """Identities that were deleted."""
    _against: dict[int, set[int]] = field(default_factory=dict, repr=False, compare=False)
    """`rejected` by identity."""

    @classmethod
    def replay(cls, events: Iterable[Event]) -> "Identities":
        """What follows from events, in their order.

        Raises:
            ConflictError: One contradicts those before it.
        """
        found = cls()
        for event in effective(list(events)):
            found.apply(event)
        return found

    def copy(self) -> "Identities":
        """One that can be changed without changing this one."""
        by_number = {number: Identity(each.name, set(each.sightings)) for number, each in self.by_number.items()}
        rejected, against = ({one: set(others) for one, others in of.items()} for of in (self.rejected, self._against))
        return Identities(by_number, dict(self.of), rejected, dict(self.merged), set(self.forgotten), against)

    def not_shown_on(self, identity: int) -> Set[int]:
        """The sightings that were said not to show an identity."""
        return self._against.get(identity, frozenset())

    def apply(self, event: Event) -> None:
        """Let one more event count, which is not an undo. Nothing changes if it cannot.

        Raises:
            ConflictError: It contradicts those before it; the message says how, and what to do.
        """
        self._apply(event.body, event.number)

    @singledispatchmethod
    def _apply(self, body: object, number: int) -> None:
        raise TypeError(f"event {number} is {body!r}, which replay cannot apply")

    @_apply.register
    def _(self, body: Enrol, number: int) -> None:
        self._new(number, body.name, body.sightings)

    @_apply.register
    def _(self, body: Confirm, _: int) -> None:
        self.get(body.identity)
        for sighting in body.sightings:
            self._reject(sighting, body.identity, False)
        self._move(body.sightings, body.identity)

    @_apply.register
    def _(self, body: Reject, _: int) -> None:
        identity = self.get(body.identity)
        for sighting in body.sightings:
            if self.of.get(sighting) == body.identity:
                del self.of[sighting]
                identity.sightings.discard(sighting)
            self._reject(sighting, body.identity, True)

    @_apply.register
    def _(self, body: Merge, _: int) -> None:
        identity = self.get(body.identity)
        others = [(other, self.get(other)) for other in body.others]
        if body.identity in body.others or len(set(body.others)) < len(body.others):
            raise ConflictError(f"identity {body.identity} is to be merged with {list(body.others)}; name each once")
        together = {body.identity, *body.others}
        for each in together:
            for sighting in self.by_number[each].sightings:
                if against := (self.rejected.get(sighting, set()) & together) - {each}:
                    raise ConflictError(
                        f"identities {sorted(together)} cannot be merged: sighting {sighting}, of identity {each}, was "
                        f"said not to show identity {min(against)}; undo that, or confirm the sighting there, first"
                    )
        for other, absorbed in others:
            for sighting in absorbed.sightings:
                self.of[sighting] = body.identity
            identity.sightings |= absorbed.sightings
            identity.name = identity.name or absorbed.name
            del self.by_number[other]
            self.merged[other] = body.identity
            for sighting in list(self._against.get(other, ())):
                self._reject(sighting, other, False)
                self._reject(sighting, body.identity, True)

    @_apply.register
    def _(self, body: Split, number: int) -> None:
        identity = self.get(body.identity)
        if foreign := sorted(set(body.sightings) - identity.sightings):
            raise ConflictError(f"sighting {foreign[0]} is not of identity {body.identity}, which is to be split")
        self._new(number, body.name, body.sightings)
        for sighting in body.sightings:
            self._reject(sighting, body.identity, True)

    @_apply.register
    def _(self, body: Rename, _: int) -> None:
        self.get(body.identity).name = body.name

    @_apply.register
    def _(self, body: Forget, _: int) -> None:
        if body.identity is not None:
            for sighting in self.get(body.identity).sightings - set(body.sightings):  # said to be its after all
                del self.of[sighting]
            del self.by_number[body.identity]
            self.forgotten.add(body.identity)
            for sighting in list(self._against.get(body.identity, ())):
                self._reject(sighting, body.identity, False)
        for sighting in body.sightings:  # wherever they are, if something before was undone
            if (holder := self.of.pop(sighting, None)) in self.by_number:
                self.by_number[holder].sightings.discard(sighting)
            for identity in list(self.rejected.get(sighting, ())):
                self._reject(sighting, identity, False)

    def get(self, number: int) -> Identity:
        """An identity by its number.

        Raises:
            ConflictError: There is none; the message says what became of it.
        """
        if number in self.by_number:
            return self.by_number[number]
        if number in self.merged:
            raise ConflictError(f"identity {number} was merged into identity {self.merged[number]}; name that")
        was = "was forgotten" if number in self.forgotten else "does not exist"
        raise ConflictError(f"identity {number} {was}")

    def _new(self, number: int, name: str, sightings: Sequence[int]) -> None:
        self.by_number[number] = Identity(name)
        self._move(sightings, number)

    def _move(self, sightings: Sequence[int], to: int) -> None:
        for sighting in sightings:
            if sighting in self.of:
                self.by_number[self.of[sighting]].sightings.discard(sighting)
            self.of[sighting] = to
        self.by_number[to].sightings.update(sightings)

    def _reject(self, sighting: int, identity: int, rejected: bool) -> None:
        for of, one, other in ((self.rejected, sighting, identity), (self._against, identity, sighting)):
            those = of.setdefault(one, set())
            (those.add if rejected else those.discard)(other)
            if not those:
                del of[one]


def effective(events: Sequence[Event]) -> list[Event]:
    """The events that count: neither undone, nor an undo."""
    gone = undone(events)
    return [event for event in events if event.number not in gone and not isinstance(event.body, Undo)]


def undone(events: Sequence[Event]) -> dict[int, int]:
    """The events that are undone, each with the undo that counts."""
    found: dict[int, int] = {}
    for event in reversed(events):  # a later undo decides about an earlier one
        if isinstance(event.body, Undo) and event.number not in found:
            found.setdefault(event.body.event, event.number)
    return found


def check_undo(events: Sequence[Event], number: int) -> Identities:
    """What follows from events if the one called `number` is undone, too.

    Raises:
        ConflictError: There is no such event, it is undone already or cannot be undone, or a later one needs it.
    """
    event = next((event for event in events if event.number == number), None)
    if event is None:
        raise ConflictError(f"No such event: {number}")
    if isinstance(event.body, Forget):
        raise ConflictError(f"event {number} cannot be undone: what was forgotten is deleted")
    if undone_by := undone(events).get(number):
        raise ConflictError(f"event {number} is undone already, by event {undone_by}; undo that to have it count again")
    undo = Event(events[-1].number + 1, event.at, "", Undo(number))
    found = Identities()
    for each in effective([*events, undo]):
        try:
            found.apply(each)
        except ConflictError as error:
            raise ConflictError(
                f"event {number} cannot be undone alone: event {each.number} ({each.body.kind}) needs it ({error}); undo "
                f"that first"
            ) from None
    return found


def with_merged(identities: Identities, identity: int) -> set[int]:
    """An identity and those that became part of it."""
    found = {identity}
    while more := {number for number, into in identities.merged.items() if into in found} - found:
        found |= more
    return found


def in_words(event: Event, events: Sequence[Event] = ()) -> str:
    """What an event said, for a list; of an undo also what it takes back, if that is among some events."""
    body = event.body
    if isinstance(body, Undo):
        back = [f" ({in_words(each)})" for each in events if each.number == body.event]
        return f"undo event {body.event}{''.join(back)}"
    number = event.number if isinstance(body, Enrol) else body.identity
    if isinstance(body, Merge):
        return f"merge {', '.join(map(str, body.others))} into identity {number}"
    if isinstance(body, Rename):
        return f"rename identity {number} to {body.name!r}"
    if isinstance(body, Forget):
        whose = f"identity {number}, " if number else ""
        return f"forget {whose}{counted(len(body.sightings), 'sighting')}"
    into = f" into identity {event.number}" if isinstance(body, Split) else ""
    return f"{body.kind} {counted(len(body.sightings), 'sighting')} of identity {number}{into}"
