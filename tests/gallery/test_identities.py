from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalereid.gallery.events import Body, Confirm, Enrol, Event, Forget, Merge, Reject, Rename, Split, Undo
from scalereid.gallery.identities import ConflictError, Identities, Identity, check_undo, effective, in_words

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def numbered(*bodies: Body) -> list[Event]:
    return [Event(number, NOW, "", body) for number, body in enumerate(bodies, 1)]


def state(*bodies: Body) -> Identities:
    return Identities.replay(numbered(*bodies))


ANNA, BEN = Enrol((10, 11), "Anna"), Enrol((20,), "Ben")  # events, and so identities, 1 and 2


def test_sightings_go_where_the_last_word_puts_them() -> None:
    found = state(ANNA, BEN, Confirm(2, (11, 12)))
    assert found.by_number == {1: Identity("Anna", {10}), 2: Identity("Ben", {11, 12, 20})}
    assert found.of == {10: 1, 11: 2, 12: 2, 20: 2}


def test_a_rejected_sighting_leaves_and_never_joins_again() -> None:
    found = state(ANNA, BEN, Reject(1, (11,)), Confirm(2, (11,)))
    assert found.of == {10: 1, 11: 2, 20: 2}
    assert found.rejected == {11: {1}}
    with pytest.raises(
        ConflictError,
        match="identities .1, 2. cannot be merged: sighting 11, of identity 2, was said not to show identity 1",
    ):
        found.apply(Event(9, NOW, "", Merge(1, (2,))))
    assert found == state(ANNA, BEN, Reject(1, (11,)), Confirm(2, (11,)))  # nothing changed
    assert state(ANNA, BEN, Reject(1, (11,)), Confirm(1, (11,))).rejected == {}  # the last word counts


def test_what_was_said_against_a_merged_identity_counts_against_the_whole() -> None:
    found = state(ANNA, BEN, Reject(2, (11,)), Confirm(1, (12,)), Enrol((30,)), Merge(5, (2,)))
    assert found.by_number[5] == Identity("Ben", {20, 30})
    assert found.rejected == {11: {5}}
    with pytest.raises(ConflictError, match="sighting 11, of identity 1, was said not to show identity 5"):
        found.apply(Event(9, NOW, "", Merge(5, (1,))))
    with pytest.raises(ConflictError, match="identity 2 was merged into identity 5; name that"):
        found.get(2)


def test_a_split_makes_an_identity_that_is_not_the_old_one() -> None:
    found = state(ANNA, Split(1, (11,), "Eva"))
    assert found.by_number == {1: Identity("Anna", {10}), 2: Identity("Eva", {11})}
    assert found.rejected == {11: {1}}
    with pytest.raises(ConflictError, match="sighting 20 is not of identity 1, which is to be split"):
        state(ANNA, BEN, Split(1, (10, 20)))


def test_what_is_forgotten_is_in_nothing() -> None:
    """Also if an event before it is undone later: what was deleted cannot come back."""
    events = numbered(ANNA, BEN, Reject(1, (30,)), Merge(1, (2,)), Forget(1, (10, 11, 20)), Undo(4))
    found = Identities.replay(events)
    assert found.by_number == {2: Identity("Ben", set())}
    assert (found.of, found.rejected, found.forgotten) == ({}, {}, {1})
    with pytest.raises(ConflictError, match="identity 1 was forgotten"):
        found.get(1)
    old = state(ANNA, BEN, Forget(None, (10, 20)))  # by age
    assert old.by_number == {1: Identity("Anna", {11}), 2: Identity("Ben", set())}


@pytest.mark.parametrize(
    ("bodies", "message"),
    [
        ((Confirm(1, (1,)),), "identity 1 does not exist"),
        ((ANNA, Merge(1, (1,))), "identity 1 is to be merged with .1.; name each once"),
        ((ANNA, BEN, Merge(1, (2, 2))), "name each once"),
        ((ANNA, Rename(2, "x")), "identity 2 does not exist"),
    ],
)
def test_contradictions(bodies: tuple[Body, ...], message: str) -> None:
    with pytest.raises(ConflictError, match=message):
        state(*bodies)


def test_undoing_and_redoing() -> None:
    before = state(ANNA, BEN)
    assert state(ANNA, BEN, Merge(1, (2,)), Undo(3)) == before
    assert state(ANNA, BEN, Merge(1, (2,)), Undo(3), Undo(4)) == state(ANNA, BEN, Merge(1, (2,)))
    assert state(ANNA, BEN, Merge(1, (2,)), Undo(3), Undo(4), Undo(5)) == before
    assert [event.number for event in effective(numbered(ANNA, BEN, Merge(1, (2,)), Undo(3), Undo(4)))] == [1, 2, 3]


def test_what_cannot_be_undone() -> None:
    events = numbered(ANNA, BEN, Merge(1, (2,)), Rename(1, "Anna B."), Forget(1, (10, 11, 20)))
    assert check_undo(events[:4], 3) == state(ANNA, BEN, Rename(1, "Anna"), Rename(1, "Anna B."))
    for number, message in (
        (9, "No such event: 9"),
        (5, "event 5 cannot be undone: what was forgotten is deleted"),
        (1, r"event 1 cannot be undone alone: event 3 .merge. needs it .identity 1 does not exist.; undo that first"),
    ):
        with pytest.raises(ConflictError, match=message):
            check_undo(events, number)
    with pytest.raises(ConflictError, match="event 4 is undone already, by event 5; undo that to have it count again"):
        check_undo([*events[:4], Event(5, NOW, "", Undo(4))], 4)


def test_events_in_words() -> None:
    bodies: list[Body] = [
        ANNA,
        Confirm(1, (1,)),
        Merge(1, (2, 3)),
        Split(1, (4, 5)),
        Rename(1, "x"),
        Forget(1, (4,)),
        Forget(None, (4, 5)),
        Undo(3),
    ]
    assert [in_words(event) for event in numbered(*bodies)] == [
        "enrol 2 sightings of identity 1", "confirm 1 sighting of identity 1", "merge 2, 3 into identity 1",
        "split 2 sightings of identity 1 into identity 4", "rename identity 1 to 'x'", "forget identity 1, 1 sighting",
        "forget 2 sightings", "undo event 3",
    ]  # fmt: skip
    events = numbered(*bodies, Undo(8))
    assert in_words(events[7], events) == "undo event 3 (merge 2, 3 into identity 1)"
    assert in_words(events[8], events) == "undo event 8 (undo event 3)"


SIGHTINGS = st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True).map(tuple)
NUMBERS = st.integers(1, 12)
BODIES: st.SearchStrategy[Body] = st.one_of(
    st.builds(Enrol, SIGHTINGS, st.sampled_from(["", "a", "b"])),
    st.builds(Confirm, NUMBERS, SIGHTINGS),
    st.builds(Reject, NUMBERS, SIGHTINGS),
    st.builds(Merge, NUMBERS, st.lists(NUMBERS, min_size=1, max_size=2).map(tuple)),
    st.builds(Split, NUMBERS, SIGHTINGS),
    st.builds(Rename, NUMBERS, st.sampled_from(["", "c"])),
    st.builds(Forget, NUMBERS | st.none(), SIGHTINGS),
    st.builds(Undo, NUMBERS),
)


def accepted(bodies: Sequence[Body]) -> tuple[list[Event], Identities]:
    """Those of the events that fit, as a ledger accepts them, and what follows from them step by step."""
    events, found = list[Event](), Identities()
    for body in bodies:
        event = Event(len(events) + 1, NOW, "", body)
        try:
            if isinstance(body, Undo):
                found = check_undo(events, body.event)
            else:
                found.apply(event)
        except ConflictError:
            continue
        events.append(event)
    return events, found


def check_whole(found: Identities) -> None:
    """Each sighting has one identity, and none that it was said not to show."""
    assert found.of == {sighting: number for number, each in found.by_number.items() for sighting in each.sightings}
    assert not any(found.of.get(sighting) in against for sighting, against in found.rejected.items())
    assert all(found.rejected.values())


@given(st.lists(BODIES, max_size=20))
def test_any_history_replayed_says_what_it_said_step_by_step(bodies: list[Body]) -> None:
    events, found = accepted(bodies)
    assert Identities.replay(events) == found
    check_whole(found)


@given(st.lists(BODIES, max_size=12), BODIES)
def test_whatever_is_undone_was_never_said(bodies: list[Body], last: Body) -> None:
    """A merge, above all: the state is identical to that before it."""
    events, before = accepted(bodies)
    again, _ = accepted([event.body for event in events] + [last])
    if len(again) > len(events) and not isinstance(last, Forget):
        assert check_undo(again, again[-1].number) == before
