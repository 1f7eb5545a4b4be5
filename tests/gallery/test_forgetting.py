import random
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from scalereid.gallery import forgetting, schema
from scalereid.gallery.events import Confirm, Enrol, Merge, Rename, Split, Undo
from scalereid.gallery.forgetting import NotOverwrittenError, forget, overwrite
from scalereid.gallery.history import History
from scalereid.gallery.identities import ConflictError
from scalereid.gallery.indexes.exact import ExactIndex
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import NewSighting, Seen
from tests.gallery.conftest import vectors

SIZE = 512


def traceable(number: int) -> NewSighting:
    """A sighting whose every value is found nowhere else."""
    rng = random.Random(number)
    seen = Seen(f"/cameras/source-{number:06}.jpg", attributes={f"attribute-{number:06}": 0.5})
    return NewSighting(seen, f"digest-{number:06}", vectors(1, SIZE, seed=number)[0], crop=rng.randbytes(7_000))


def traces(new: NewSighting) -> list[bytes]:
    """Parts of it that a file may hold."""
    vector, [attribute] = new.vector.tobytes(), new.seen.attributes
    parts = [vector[start : start + 64] for start in range(0, len(vector), 512)]
    parts += [new.crop[start : start + 64] for start in range(0, 6_900, 1_700)]
    return [*parts, new.seen.source.encode(), new.digest.encode(), attribute.encode()]


def test_no_byte_is_left_of_whom_was_forgotten(ledger: Ledger, tmp_path: Path, contents: Callable[[], bytes]) -> None:
    """Whatever was added, moved about and deleted before; in database, log and index."""
    model, history = ledger.add_model("a" * 12, "{}"), History(ledger.engine)
    index, rng = ExactIndex(tmp_path / "index", ledger, model), random.Random(0)
    kept, gone = dict[int, NewSighting](), dict[int, NewSighting]()
    for round_ in range(4):
        new = [traceable(100 * round_ + i) for i in range(60)]
        kept |= {number: each for number, each in zip(ledger.add(model, new), new, strict=True) if number}
        index.catch_up()
        chosen = rng.sample(sorted(kept), 25)
        identity = history.record(Enrol(tuple(chosen[:20]), f"Anna {round_:03}")).number
        forgotten = forget(history, identity=identity, sightings=chosen[20:])
        assert forgotten == sorted(chosen)
        gone |= {number: kept.pop(number) for number in forgotten}
        index.catch_up()
        content = contents()
        for each in gone.values():
            assert not [part for part in traces(each) if part in content]
        assert b"Anna" not in content
    assert all(part in content for part in traces(next(iter(kept.values()))))  # so that the test can fail
    assert ledger.count() == len(kept)
    assert index.numbers().tolist() == sorted(kept)


def test_names_of_merged_identities_go_too(ledger: Ledger) -> None:
    ledger.add(ledger.add_model("a" * 12, "{}"), [traceable(i) for i in range(6)])
    history = History(ledger.engine)
    history.record(Enrol((1, 2), "Anna"))
    history.record(Enrol((3,), "Ann"))
    history.record(Split(1, (2,), "Eve"))
    history.record(Rename(2, "Annie"))
    history.record(Merge(1, (2,)))
    history.record(Confirm(3, (5,)))
    assert forget(history, identity=1) == [1, 3]
    names = {event.number: getattr(event.body, "name", None) for event in history.events()}
    assert names == {1: "", 2: "", 3: "Eve", 4: "", 5: None, 6: None, 7: None}
    assert history.identities().of == {2: 3, 5: 3}
    with pytest.raises(ConflictError, match="cannot be undone"):
        history.record(Undo(7))
    with pytest.raises(ConflictError, match="identity 1 was forgotten"):
        forget(history, identity=1)
    with pytest.raises(ValueError, match="No such sighting: 3"):
        forget(history, sightings=[2, 3])
    assert ledger.count() == 4


def test_names_go_that_were_given_and_taken_back(ledger: Ledger, contents: Callable[[], bytes]) -> None:
    """An identity whose enrolment was undone is nobody's to forget, but its sightings tell whose name it was."""
    ledger.add(ledger.add_model("a" * 12, "{}"), [traceable(i) for i in range(7)])
    history = History(ledger.engine)
    ben = history.record(Enrol((4, 5), "Ben")).number
    for body in (Enrol((1, 6), "Anna 1"), Split(ben, (5,), "Anna 2"), Enrol((6,), "Anna 3"), Enrol((7,), "Eve")):
        number = history.record(body).number
        more = [history.record(Rename(number, "Anna 4")).number] if body.name != "Eve" else []
        more += [history.record(Confirm(number, (2,))).number] if body.name == "Anna 3" else []
        for each in (*more[::-1], number):
            history.record(Undo(each))
    anna = history.record(Enrol((1, 2), "Anna 5")).number
    history.record(Confirm(anna, (5,)))
    assert forget(history, identity=anna) == [1, 2, 5]
    assert {getattr(event.body, "name", "") for event in history.events()} == {"", "Ben", "Eve"}
    assert b"Anna" not in contents()
    forget(history, sightings=[7])
    assert {getattr(event.body, "name", "") for event in history.events()} == {"", "Ben"}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for no other process."""
    monkeypatch.setattr(schema, "WAIT", 0)
    monkeypatch.setattr(forgetting, "_PATIENCE", 0.1)


@pytest.mark.usefixtures("impatient")
def test_a_reader_in_the_middle_is_said(engine: Engine, contents: Callable[[], bytes]) -> None:
    ledger, history = Ledger(engine), History(engine)
    ledger.add(ledger.add_model("a" * 12, "{}"), [traceable(i) for i in range(3)])
    with engine.begin() as reader:
        reader.execute(text("SELECT * FROM sightings")).fetchone()
        expected = (
            "as this could not be written anew: another process is reading it; overwrite them once that has passed$"
        )
        with pytest.raises(NotOverwrittenError, match=expected):
            forget(history, sightings=[1])
    assert ledger.select().tolist() == [2, 3]
    assert traceable(0).digest.encode() in contents()
    overwrite(engine)
    assert traceable(0).digest.encode() not in contents()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("reason", ["database is locked", "disk I/O error"])
def test_whatever_keeps_bytes_from_being_overwritten_is_said(
    url: str, contents: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """Another process that writes, and a disk without room for a copy of the database."""
    monkeypatch.setattr(schema, "WAIT", 0)
    engine = schema.connect(url)
    schema.create(engine)
    ledger, history = Ledger(engine), History(engine)
    ledger.add(ledger.add_model("a" * 12, "{}"), [traceable(i) for i in range(3)])

    @contextmanager
    def kept_from_it() -> Iterator[None]:
        if reason == "database is locked":
            with engine.execution_options(writes=True).begin():
                yield
        else:
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
            yield
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    def overwrite_then(_: Engine) -> None:
        with kept_from_it(), pytest.raises(NotOverwrittenError, match=f"{reason}; overwrite them once") as raised:
            overwrite(engine)
        raise raised.value

    monkeypatch.setattr(forgetting, "overwrite", overwrite_then)
    with pytest.raises(NotOverwrittenError, match="^what was forgotten is deleted, but its bytes may still be in"):
        forget(history, sightings=[1])
    assert ledger.select().tolist() == [2, 3]
    overwrite(engine)
    assert traceable(0).digest.encode() not in contents()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_reader_that_ends_is_waited_for(
    engine: Engine, contents: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "WAIT", 0)
    ledger, history = Ledger(engine), History(engine)
    ledger.add(ledger.add_model("a" * 12, "{}"), [traceable(i) for i in range(3)])
    reader = engine.connect()
    reader.execute(text("SELECT * FROM sightings")).fetchone()
    monkeypatch.setattr("time.sleep", lambda _: reader.close())
    forget(history, sightings=[1])
    assert traceable(0).digest.encode() not in contents()
