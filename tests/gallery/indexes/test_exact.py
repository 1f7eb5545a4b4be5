from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sqlalchemy import delete, insert

from scalereid.gallery import schema
from scalereid.gallery.audit import record_search
from scalereid.gallery.filters import Filter
from scalereid.gallery.indexes import Hits
from scalereid.gallery.indexes.exact import ExactIndex
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import NewSighting, Seen
from scalereid.retrieval import prepared
from scalereid.retrieval.codes import encode
from scalereid.retrieval.search import search
from tests.gallery.conftest import START, new_sightings, vectors

N = 40
QUERIES = vectors(3, seed=99)


@pytest.fixture
def index(ledger: Ledger, tmp_path: Path) -> ExactIndex:
    """Of a ledger with N sightings, and one of which neither camera nor time is known."""
    model = ledger.add_model("a" * 12, "{}")
    ledger.add(model, [*new_sightings(N), NewSighting(Seen("x", track="t"), "digest-x", vectors(1, seed=7)[0])])
    return ExactIndex(tmp_path / "index", ledger, model)


def naive(ledger: Ledger, allowed: NDArray[np.int64] | list[int], top: int) -> list[list[int]]:
    """Every similarity, one by one."""
    found = []
    for query in QUERIES.astype(float):
        similar = [
            (-float(query @ vector.astype(float)), number)
            for block in ledger.vectors(1)
            for number, vector in zip(block.sightings.tolist(), block.matrix, strict=True)
            if number in allowed
        ]
        found.append([number for _, number in sorted(similar)][:top])
    return found


def listed(hits: Hits) -> list[list[int]]:
    return [[number for number in row if number >= 0] for row in hits.sightings.tolist()]


def remove(ledger: Ledger, *numbers: int) -> None:
    with schema.writing(ledger.engine) as connection:
        for table in (schema.embeddings, schema.crops):
            connection.execute(delete(table).where(table.c.sighting.in_(numbers)))
        connection.execute(delete(schema.sightings).where(schema.sightings.c.number.in_(numbers)))
        connection.execute(insert(schema.removals), [{"sighting": number} for number in numbers])


@pytest.mark.parametrize(
    "where",
    [
        Filter(),
        Filter(cameras=("c1",)),
        Filter(not_cameras=("c1", "c2")),
        Filter(cameras=("c1", "c0"), not_cameras=("c1",)),
        Filter(after=START + timedelta(minutes=7), before=START + timedelta(minutes=21)),
        Filter(after=START + timedelta(minutes=30), cameras=("c0", "none")),
        Filter(tracks=("t",)),
        Filter(cameras=("none",)),
    ],
)
def test_it_finds_what_a_scan_of_the_ledger_finds(index: ExactIndex, where: Filter) -> None:
    hits = index.search(QUERIES, 5, where)
    assert listed(hits) == naive(index.ledger, index.ledger.select(where).tolist(), 5)
    assert hits.sightings.shape == hits.similarities.shape == (3, 5)
    assert (np.isneginf(hits.similarities) == (hits.sightings == -1)).all()


def test_only_some_sightings_or_all_but_some(index: ExactIndex) -> None:
    among, without = np.array([3, 4, 5, 50]), np.array([4, 60])
    assert listed(index.search(QUERIES, 5, among=among, without=without)) == naive(index.ledger, [3, 5], 5)
    assert listed(index.search(QUERIES, 5, among=np.array([], int))) == [[], [], []]


@pytest.mark.parametrize("is_fast", [True, False])
@pytest.mark.parametrize("last", [4_999, 4_000, 100])
def test_many_sightings_are_found_as_a_scan_finds_them(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int, is_fast: bool
) -> None:
    """By int8 codes or without, among most of the rows or among few, after several times of adding and removing."""
    monkeypatch.setattr(prepared, "_int8_is_fast", lambda: is_fast)
    index = ExactIndex(tmp_path / "index", ledger, ledger.add_model("a" * 12, "{}"))
    drawn = vectors(5_000, 32)
    for start in (0, 10, 3_000):
        stop = {0: 10, 10: 3_000}.get(start, 5_000)
        new = [NewSighting(Seen(""), str(i), vector) for i, vector in enumerate(drawn[start:stop], start)]
        ledger.add(index.model, new)
        index.catch_up()
    remove(ledger, 1, 77, 3_500)
    there = np.setdiff1d(np.arange(1, last + 1), [1, 77, 3_500])
    queries = vectors(7, 32, seed=5)
    hits, expected = index.search(queries, 30, among=np.arange(1, last + 1)), search(queries, drawn[there - 1], 30)
    assert hits.sightings.tolist() == there[expected.indices].tolist()
    assert hits.similarities.tolist() == expected.similarities.tolist()


def test_the_files_are_mapped_once(index: ExactIndex) -> None:
    opened = index._up_to_date()
    assert index._up_to_date() is opened
    index.ledger.add(index.model, new_sightings(1, start=90))
    assert index._up_to_date() is not opened


def test_what_is_added_and_removed_counts_at_once_in_every_process(index: ExactIndex) -> None:
    other = ExactIndex(index.folder, index.ledger, index.model)
    assert other.numbers().tolist() == [*range(1, N + 2)]
    index.ledger.add(index.model, new_sightings(9, start=N))
    remove(index.ledger, 2, 41)
    for each in (index, other):
        assert each.numbers().tolist() == [1, *range(3, 41), *range(42, 51)]
        assert listed(each.search(QUERIES, 50)) == naive(index.ledger, index.ledger.select().tolist(), 50)


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


def test_an_empty_gallery(ledger: Ledger, tmp_path: Path) -> None:
    index = ExactIndex(tmp_path / "index", ledger, ledger.add_model("a" * 12, "{}"))
    assert listed(index.search(QUERIES, 3)) == [[], [], []]
    assert index.numbers().tolist() == []


def test_queries_of_another_length(index: ExactIndex) -> None:
    with pytest.raises(ValueError, match="differ in width"):
        index.search(vectors(1, size=5), 3)
