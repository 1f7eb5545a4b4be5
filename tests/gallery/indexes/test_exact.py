from pathlib import Path

import numpy as np
import pytest
import torch

from scalereid.gallery import schema
from scalereid.gallery.audit import record_search
from scalereid.gallery.indexes import exact
from scalereid.gallery.indexes.exact import ExactIndex
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import NewSighting, Seen
from scalereid.retrieval import nearest, prepared
from scalereid.retrieval.codes import encode
from scalereid.retrieval.search import search
from tests.gallery.conftest import new_sightings, vectors
from tests.gallery.indexes.conftest import QUERIES, N, listed, remove

pytestmark = pytest.mark.parametrize(
    ("url", "kind"), [("sqlite", "exact")], indirect=True
)  # the rest: test_contract.py


@pytest.mark.parametrize("is_fast", [True, False])
@pytest.mark.parametrize("last", [4_999, 4_000, 100])
def test_many_sightings_are_found_as_a_scan_finds_them(
    index: ExactIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int, is_fast: bool
) -> None:
    """By int8 codes or without, among most of the rows or among few, after several times of adding and removing."""
    monkeypatch.setattr(prepared, "int8_is_fast", lambda: is_fast)
    monkeypatch.setattr(nearest, "_RESULT", 0)
    ledger, first = index.ledger, N + 2  # the number of the first sighting by this model
    other = ExactIndex(tmp_path / "other", ledger, ledger.add_model("b" * 12, "{}"))
    drawn = vectors(5_000, 32)
    for start, stop in ((0, 10), (10, 3_000), (3_000, 5_000)):
        new = [NewSighting(Seen(""), str(i), vector) for i, vector in enumerate(drawn[start:stop], start)]
        ledger.add(other.model, new)
        other.catch_up()
    gone = [0, 76, 3_499]
    remove(ledger, *(first + row for row in gone))
    there = np.setdiff1d(np.arange(last), gone)
    queries = vectors(7, 32, seed=5)
    hits, expected = other.search(queries, 30, among=first + np.arange(last)), search(queries, drawn[there], 30)
    assert hits.sightings.tolist() == (first + there[expected.indices]).tolist()
    assert hits.similarities.tolist() == expected.similarities.tolist()


def test_the_files_are_mapped_once(index: ExactIndex) -> None:
    opened = index._up_to_date()
    assert index._up_to_date() is opened
    index.ledger.add(index.model, new_sightings(1, start=90))
    assert index._up_to_date() is not opened


def test_a_search_writes_nothing_where_nothing_is_new(index: ExactIndex) -> None:
    """Whatever else was recorded in the ledger meanwhile, such as the search itself."""
    index.catch_up()
    before = {file.name: file.stat().st_mtime_ns for file in index.folder.iterdir()}
    record_search(index.ledger.engine, {"top": 3}, by="me", purpose="a test")
    index.search(QUERIES, 3)
    assert {file.name: file.stat().st_mtime_ns for file in index.folder.iterdir()} == before


def test_of_what_is_removed_no_byte_is_left(index: ExactIndex) -> None:
    """Neither at once, nor once so much was removed that the files are written anew."""
    gone = [new.vector.tobytes() for new in new_sightings(N)]
    codes = encode(torch.from_numpy(vectors(N)), torch.ones(N)).values.numpy()
    index.catch_up()
    for numbers in ([5], list(range(6, 30))):
        remove(index.ledger, *numbers)
        index.catch_up()
        content = b"".join(file.read_bytes() for file in index.folder.glob("vectors-*"))
        for number in numbers:
            assert gone[number - 1] not in content
        assert gone[39] in content
        encoded = b"".join(file.read_bytes() for file in index.folder.glob("codes-*"))
        assert not any(codes[number - 1].tobytes() in encoded for number in numbers)
        assert codes[39].tobytes() in encoded
    assert len(content) == (N + 1 - 25) * 32  # anew
    assert len([*index.folder.glob("*.bin")]) == 7


def test_of_who_is_removed_nothing_is_left_that_a_killed_process_had_written(
    index: ExactIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that do not count yet, as it was killed before it could say that they do."""
    index.catch_up()
    sizes = {file.name: file.stat().st_size for file in index.folder.glob("*.bin")}
    (new,) = new_sightings(1, start=80)
    (number,) = index.ledger.add(index.model, [new])
    assert number

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(exact, "write_json", kill)
        index.catch_up()
    (vectors_file,) = index.folder.glob("vectors-*")
    assert new.vector.tobytes() in vectors_file.read_bytes()
    remove(index.ledger, number)
    ExactIndex(index.folder, index.ledger, index.model).catch_up()
    assert {file.name: file.stat().st_size for file in index.folder.glob("*.bin")} == sizes
    assert new.vector.tobytes() not in vectors_file.read_bytes()
    assert index.numbers().tolist() == [*range(1, N + 2)]


@pytest.mark.parametrize("damage", ["no state", "state", "short", "missing", "more", "all"])
def test_whatever_happens_to_its_files_it_heals(index: ExactIndex, damage: str) -> None:
    expected = listed(index.search(QUERIES, 7))
    state, vectors_file = index.folder / "state.json", next(index.folder.glob("vectors-*"))
    if damage == "no state":
        state.unlink()
    elif damage == "state":
        state.write_text("{")
    elif damage == "short":
        vectors_file.write_bytes(vectors_file.read_bytes()[:-1])
    elif damage == "missing":
        vectors_file.unlink()
    elif damage == "more":  # a process was killed while it wrote
        vectors_file.write_bytes(vectors_file.read_bytes() + b"12345")
        index.ledger.add(index.model, [])
    else:
        for file in index.folder.iterdir():
            file.unlink()
    assert listed(ExactIndex(index.folder, index.ledger, index.model).search(QUERIES, 7)) == expected
    index.ledger.add(index.model, new_sightings(1, start=80))
    assert index.numbers().tolist() == [*range(1, N + 3)]


def test_an_index_of_another_ledger_does_not_count(index: ExactIndex, tmp_path: Path) -> None:
    index.catch_up()
    engine = schema.connect(f"sqlite:///{tmp_path / 'other.sqlite'}")
    schema.create(engine)
    other = Ledger(engine)
    other.add(other.add_model("b" * 12, "{}"), new_sightings(2, start=70))
    assert ExactIndex(index.folder, other, 1).numbers().tolist() == [1, 2]
    index.rebuild()
    assert len(index.numbers()) == N + 1
