"""Against SciPy's average linkage, which holds the distances of all pairs; test_clustering.py has the definition."""

import numpy as np
import pytest
from numpy.typing import NDArray

from scalereid.retrieval.linkage import Forbidden, Linkage, Rows

NEVER = 1e12  # distance of a forbidden pair: the mean of any groups with one is above every cut


def unit_vectors(random: np.random.Generator, number: int, size: int, middle: float = 0.0) -> NDArray[np.float32]:
    drawn = random.standard_normal((number, size)) + middle
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def joined(
    vectors: NDArray[np.float32], cut: float, forbidden: Forbidden, tile: int = 5_000
) -> dict[frozenset[int], float]:
    members = [*np.arange(len(vectors))[:, None]]
    found = Linkage(vectors, members, cut, forbidden, tile).join()
    return {frozenset(rows.tolist()): height for rows, height in found}


def by_scipy(vectors: NDArray[np.float32], cut: float, forbidden: Forbidden) -> dict[frozenset[int], float]:
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    one, other = np.triu_indices(len(vectors), 1)
    wide = vectors.astype(np.float64)
    distances = 1 - (wide[one] * wide[other]).sum(axis=1)
    distances[forbidden(one, other)] = NEVER
    tree = hierarchy.linkage(distances, "average")
    labels = hierarchy.fcluster(tree, cut, "distance")
    nodes, groups = hierarchy.leaders(tree, labels)
    heights = np.concatenate([np.zeros(len(vectors)), tree[:, 2]])
    return {
        frozenset(np.flatnonzero(labels == group).tolist()): float(heights[node])
        for node, group in zip(nodes, groups, strict=True)
    }


def never(one: Rows, _: Rows) -> NDArray[np.bool_]:
    return np.zeros(len(one), bool)


@pytest.mark.parametrize("cut", [0.3, 0.5, 0.7, 0.95])
@pytest.mark.parametrize("middle", [0.0, 0.7])  # 0.7: one crowd in the middle takes in the others one by one
@pytest.mark.parametrize("bans", ["none", "places at once", "many"])
def test_equal_to_scipy(middle: float, cut: float, bans: str) -> None:
    random = np.random.default_rng(0)
    vectors = unit_vectors(random, 300, 16, middle)
    camera, time = random.integers(0, 6, 300), random.integers(0, 200 if bans == "places at once" else 5, 300)

    def forbidden(one: Rows, other: Rows) -> NDArray[np.bool_]:
        return (camera[one] != camera[other]) & (time[one] == time[other]) & (bans != "none")

    found, expected = joined(vectors, cut, forbidden), by_scipy(vectors, cut, forbidden)
    assert set(found) == set(expected)
    assert [found[group] for group in expected] == pytest.approx([*expected.values()], abs=1e-6)
    assert len(found) < 300


def test_copies() -> None:
    """Equal distances in plenty: whatever comes first, copies are together, and nothing runs in a circle."""
    vectors = np.repeat(np.eye(4, dtype=np.float32), 25, axis=0)
    found = joined(vectors, 0.5, never)
    assert set(found) == {frozenset(range(first, first + 25)) for first in range(0, 100, 25)}
    assert [*found.values()] == pytest.approx([0] * 4, abs=1e-6)


def test_all_forbidden() -> None:
    vectors = unit_vectors(np.random.default_rng(0), 40, 8, middle=2.0)
    found = joined(vectors, 1.5, lambda one, _: np.ones(len(one), bool))
    assert found == {frozenset([row]): 0.0 for row in range(40)}


def test_bans_are_asked_for_in_tiles_and_remembered() -> None:
    """A pair of large groups is not laid out at once, and is asked for once from each side."""
    vectors = np.array([[1, 0], [0, 1]], np.float32)[np.repeat([0, 1], 50)]
    asked = np.zeros((100, 100), np.int64)

    def forbidden(one: Rows, other: Rows) -> NDArray[np.bool_]:
        assert len(one) <= 60
        np.add.at(asked, (one, other), 1)
        return (one == 3) & (other == 70) | (one == 70) & (other == 3)

    members = [np.arange(50), np.arange(50, 100)]
    found = Linkage(vectors, members, 1.0, forbidden, 60).join()
    assert [len(rows) for rows, _ in found] == [50, 50]
    assert (asked + asked.T)[:50, 50:].sum() == 2 * 2500


def test_means_of_groups_given() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    ((rows, height),) = Linkage(vectors, [np.array([0, 1]), np.array([2])], 0.4, never, 100).join()
    assert rows.tolist() == [0, 1, 2]
    assert height == pytest.approx(1 - (0.6 + 0.8) / 2)
