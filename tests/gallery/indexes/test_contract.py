"""What every index does, on every database that it may have."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest

from scalereid.gallery.filters import Filter
from scalereid.gallery.indexes import Index
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import NewSighting, Seen
from tests.gallery.conftest import INDEXES, START, new_sightings, vectors
from tests.gallery.indexes.conftest import QUERIES, N, listed, naive, remove

pytestmark = pytest.mark.parametrize(("url", "kind"), INDEXES, indirect=True)
STRANGE = ('c"1', "c'1", "c\\1", "c\n1", "日本", "c%1", "{c}", ":c", "c -- 1")


FILTERS = [
    Filter(),
    Filter(cameras=("c1",)),
    Filter(not_cameras=("c1", "c2")),
    Filter(cameras=("c1", "c0"), not_cameras=("c1",)),
    Filter(after=START + timedelta(minutes=7), before=START + timedelta(minutes=21)),
    Filter(before=START + timedelta(minutes=3)),
    Filter(after=START + timedelta(minutes=30), cameras=("c0", "none")),
    Filter(tracks=("t",)),
    Filter(cameras=("none",)),
]


def test_it_finds_what_a_scan_of_the_ledger_finds(index: Index, ledger: Ledger) -> None:
    for where in FILTERS:
        hits = index.search(QUERIES, 5, where)
        assert listed(hits) == naive(ledger, ledger.select(where).tolist(), 5), where
        assert hits.sightings.shape == hits.similarities.shape == (3, 5)
        assert (np.isneginf(hits.similarities) == (hits.sightings == -1)).all()
        for query, numbers, similarities in zip(QUERIES, hits.sightings.tolist(), hits.similarities, strict=True):
            expected = [float(query @ ledger.vector(1, number)) for number in numbers if number >= 0]
            assert similarities[similarities > -2].tolist() == pytest.approx(expected, abs=1e-6)


def test_attributes_and_names_of_any_letters(index: Index, ledger: Ledger) -> None:
    drawn = vectors(len(STRANGE), seed=5)
    ledger.add(
        1,
        [
            NewSighting(
                Seen(f"{i}", camera=name, track=name, attributes={name: i / 10, "hat": 1.0}), f"strange-{i}", drawn[i]
            )
            for i, name in enumerate(STRANGE)
        ],
    )
    for i, name in enumerate(STRANGE):
        for where in (Filter(cameras=(name,)), Filter(tracks=(name,)), Filter(attributes={name: i / 10, "hat": 0.5})):
            assert listed(index.search(QUERIES, 3, where)) == [[N + 2 + i]] * 3, where
        above = Filter(attributes={name: i / 10 + 0.01})
        assert listed(index.search(QUERIES, 3, above)) == [[], [], []]
    both = Filter(not_cameras=STRANGE, attributes={"hat": 0.5})
    assert listed(index.search(QUERIES, 3, both)) == [[], [], []]
    assert len(listed(index.search(QUERIES, 99, Filter(not_cameras=STRANGE)))[0]) == N


def test_only_some_sightings_or_all_but_some(index: Index, ledger: Ledger) -> None:
    among, without = np.array([3, 4, 5, 50]), np.array([4, 60])
    assert listed(index.search(QUERIES, 5, among=among, without=without)) == naive(ledger, [3, 5], 5)
    assert listed(index.search(QUERIES, 5, among=np.array([], int))) == [[], [], []]
    assert listed(index.search(QUERIES, 5, without=np.array([7, 3, 7]))) == naive(
        ledger, [number for number in range(1, N + 2) if number not in (3, 7)], 5
    )
    many = np.arange(2, 60_001, 2)
    assert listed(index.search(QUERIES, 5, among=many)) == naive(ledger, many[:99].tolist(), 5)
    assert listed(index.search(QUERIES, 5, Filter(cameras=("c1",)), without=many)) == naive(
        ledger, [number for number in range(1, N, 2) if number % 3 == 2], 5
    )


def test_of_equally_similar_ones_the_older_comes_first(index: Index, ledger: Ledger) -> None:
    drawn = vectors(1, seed=11)
    same = [NewSighting(Seen(f"{i}"), f"same-{i}", drawn[0]) for i in range(30)]
    numbers = ledger.add(1, same)
    for top in (1, 4, 30):
        hits = index.search(drawn, top)
        assert hits.sightings.tolist() == [numbers[:top]]
        assert hits.similarities[0] == pytest.approx(1, abs=1e-6)
    assert index.search(drawn, 3, without=np.array(numbers[:5])).sightings.tolist() == [numbers[5:8]]


def test_queries_need_not_have_length_1(index: Index) -> None:
    hits = index.search(QUERIES, 5)
    scaled = index.search(QUERIES * np.array([[0.1], [3], [100]], np.float32), 5)
    assert (scaled.sightings == hits.sightings).all()
    assert scaled.similarities == pytest.approx(hits.similarities, abs=1e-6)


def test_what_is_added_and_removed_counts_at_once_in_every_process(
    index: Index, ledger: Ledger, opened: Callable[[], Index]
) -> None:
    other = opened()
    assert other.numbers().tolist() == [*range(1, N + 2)]
    ledger.add(1, new_sightings(9, start=N))
    remove(ledger, 2, 41)
    for each in (index, other):
        assert each.numbers().tolist() == [1, *range(3, 41), *range(42, 51)]
        assert listed(each.search(QUERIES, 50)) == naive(ledger, ledger.select().tolist(), 50)


def test_several_bring_it_up_to_date_at_once(index: Index, ledger: Ledger, opened: Callable[[], Index]) -> None:
    """While sightings are added and removed: none is doubled, and none comes back."""
    processes = [index, opened(), opened()]

    def work(turn: int) -> None:
        if turn % 4 == 3:
            numbers = ledger.select().tolist()
            remove(ledger, numbers[turn])
        else:
            ledger.add(1, new_sightings(5, start=100 + 5 * turn))
        found = listed(processes[turn % 3].search(QUERIES, 200))
        assert all(len(set(row)) == len(row) for row in found)

    with ThreadPoolExecutor(3) as threads:
        assert [*threads.map(work, range(12))] == [None] * 12
    for each in processes:
        assert each.numbers().tolist() == ledger.select().tolist()
        assert listed(each.search(QUERIES, 200)) == naive(ledger, ledger.select().tolist(), 200)


def test_it_can_be_written_anew_and_deleted(index: Index, ledger: Ledger, opened: Callable[[], Index]) -> None:
    expected = listed(index.search(QUERIES, 9))
    index.rebuild()
    assert listed(index.search(QUERIES, 9)) == expected
    index.drop()
    for each in (index, opened()):
        assert listed(each.search(QUERIES, 9)) == expected
        assert each.numbers().tolist() == ledger.select().tolist()
    index.drop()
    index.drop()


def test_each_model_has_its_own(index: Index, ledger: Ledger, opened: Callable[[], Index]) -> None:
    index.catch_up()
    other = ledger.add_model("b" * 12, "{}")
    ledger.embed(other, [3, 4], vectors(2, 5, seed=3))
    assert opened().numbers().tolist() == [*range(1, N + 2)]


def test_an_empty_gallery(ledger: Ledger, opened: Callable[[], Index]) -> None:
    ledger.add_model("a" * 12, "{}")
    index = opened()
    assert listed(index.search(QUERIES, 3)) == [[], [], []]
    assert index.numbers().tolist() == []
    index.rebuild()
    index.drop()


def test_queries_of_another_length(index: Index) -> None:
    with pytest.raises(ValueError, match="differ in width"):
        index.search(vectors(1, size=5), 3)
