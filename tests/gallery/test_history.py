import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from scalereid.gallery.events import Confirm, Enrol, Merge, Reject, Rename, Undo
from scalereid.gallery.forgetting import forget
from scalereid.gallery.history import History
from scalereid.gallery.identities import ConflictError, Identities
from scalereid.gallery.ledger import Ledger
from tests.gallery.conftest import new_sightings


@pytest.fixture
def history(ledger: Ledger) -> History:
    """Of a ledger with twelve sightings."""
    ledger.add(ledger.add_model("a" * 12, "{}"), new_sightings(12))
    return History(ledger.engine)


def test_events_are_recorded_and_read_again(history: History) -> None:
    history.record(Enrol((1, 2), "Anna"), by="me")
    history.record(Enrol((3,)))
    history.record(Merge(1, (2,)), by="you")
    events = History(history.engine).events()
    assert [(event.number, event.by, event.body) for event in events] == [
        (1, "me", Enrol((1, 2), "Anna")),
        (2, "", Enrol((3,))),
        (3, "you", Merge(1, (2,))),
    ]
    assert events == history.events()
    assert history.identities() == Identities.replay(events)
    assert history.identities().of == {1: 1, 2: 1, 3: 1}


def test_what_another_process_records_counts(history: History) -> None:
    other = History(history.engine)
    history.record(Enrol((1, 2)))
    other.record(Enrol((3,)))
    other.record(Reject(1, (2,)))
    assert history.identities().of == {1: 1, 3: 2}
    with pytest.raises(ConflictError, match="sighting 2"):
        history.record(Confirm(2, (2,)))
        history.record(Merge(1, (2,)))
    other.record(Undo(3))  # the rejection
    assert history.identities() == other.identities()
    assert history.identities().of == {1: 1, 2: 2, 3: 2}


def test_names_are_utf8(history: History) -> None:
    """A service could not tell others; a command line may give any bytes."""
    anna = history.record(Enrol((1,), "Änna 日本")).number
    for body in (Enrol((2,), "An\udcffna"), Rename(anna, "An\udcffna")):
        with pytest.raises(ValueError, match=r"^'An\\udcffna' is not UTF-8, .*; give another name$"):
            history.record(body)
    assert [event.number for event in history.events()] == [anna]


def test_what_contradicts_leaves_nothing(history: History) -> None:
    history.record(Enrol((1, 2)))
    before, events = history.identities().of.copy(), history.events()
    for body, kind in ((Merge(1, (7,)), ConflictError), (Confirm(1, (3, 99)), ValueError), (Undo(5), ConflictError)):
        with pytest.raises(kind):
            history.record(body)
        assert (history.identities().of, history.events()) == (before, events)
    with pytest.raises(ValueError, match="No such sighting: 99. It is not in the gallery, or was forgotten"):
        history.record(Confirm(1, (3, 99)))


def test_several_events_are_recorded_together_or_not_at_all(history: History) -> None:
    with history.recording("me") as recording:
        first = recording.record(Enrol((1,)))
        recording.record(Confirm(first.number, (2,)))
        assert recording.identities.of == {1: 1, 2: 1}
    with pytest.raises(RuntimeError), history.recording() as recording:
        recording.record(Reject(1, (1, 2)))
        raise RuntimeError
    assert history.identities().of == {1: 1, 2: 1}
    assert len(history.events()) == 2


def test_threads_record_one_after_another(history: History) -> None:
    """None is lost, and what each thread saw in its transaction was so."""
    histories = [history, History(history.engine)]
    barrier = threading.Barrier(4)

    def enrol(number: int) -> int:
        barrier.wait()
        return histories[number % 2].record(Enrol((number,))).number

    with ThreadPoolExecutor(4) as threads:
        numbers = [*threads.map(enrol, range(1, 13))]
    assert sorted(numbers) == [*range(1, 13)]
    assert histories[0].identities() == histories[1].identities()
    assert len(histories[0].identities().of) == 12


def test_a_damaged_event_is_named(history: History, engine: Engine) -> None:
    history.record(Enrol((1,)))
    with engine.begin() as connection:
        connection.execute(text("UPDATE events SET body = '{\"sightings\": 3}'"))
    with pytest.raises(ValueError, match="event 1 of the ledger is damaged: enrol.sightings is 3, not a list"):
        History(engine).events()
    with engine.begin() as connection:
        connection.execute(text("UPDATE events SET kind = 'adopt'"))
    with pytest.raises(ValueError, match="kind 'adopt'; expected enrol, .* Update scalereid"):
        History(engine).events()


def test_who_was_who_stays_while_more_is_said(history: History) -> None:
    """So that a thread can read while another one records."""
    history.record(Enrol((1, 2), "Anna"))
    history.record(Enrol((3,)))
    history.record(Reject(2, (2,)))
    before = history.identities()
    expected = Identities.replay(history.events())
    history.record(Rename(1, "Eve"))
    History(history.engine).record(Confirm(1, (5, 6)))
    assert history.identities() != expected == before
    assert history.identities() == Identities.replay(history.events())
    assert history.identities() is history.identities()


def test_what_was_said_of_the_forgotten_is_not_undone(history: History) -> None:
    """The last event that can be undone may be an earlier one than the last."""
    ben, anna = history.record(Enrol((3, 4))), history.record(Enrol((1, 2)))
    forget(history, identity=anna.number)
    assert history.last_undoable() == ben.number
    history.record(Undo(ben.number))
    with pytest.raises(ConflictError, match="nothing was said that can be undone"):
        history.last_undoable()


def test_whom_another_process_forgot_has_no_name_here(history: History) -> None:
    """But who was who in what was read before stays."""
    anna, ben = history.record(Enrol((1, 2), "Anna")), history.record(Enrol((3, 4), "Ben"))
    before = history.identities()
    forget(History(history.engine), identity=anna.number)
    history.record(Rename(ben.number, "Benno"))
    assert [getattr(event.body, "name", None) for event in history.events()] == ["", "Ben", None, "Benno"]
    assert history.identities() == Identities.replay(history.events())
    assert before.of == {1: 1, 2: 1, 3: 2, 4: 2}
