from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scalereid.retrieval.clustering import cluster, connected
from scalereid.retrieval.linkage import Forbidden, Rows


def unit_vectors(number: int, size: int = 4, seed: int = 0) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).standard_normal((number, size)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def never(one: Rows, _: Rows) -> NDArray[np.bool_]:
    return np.zeros(len(one), bool)


def those(pairs: set[tuple[int, int]]) -> Forbidden:
    def forbidden(one: Rows, other: Rows) -> NDArray[np.bool_]:
        found = [(a, b) in pairs or (b, a) in pairs for a, b in zip(one.tolist(), other.tolist(), strict=True)]
        return np.array(found, bool)

    return forbidden


def alone(number: int) -> Rows:
    return np.full(number, -1)


def naive(
    vectors: NDArray[np.float32], cut: float, pairs: set[tuple[int, int]], together: Rows
) -> tuple[set[frozenset[int]], dict[frozenset[int], float]]:
    """Average linkage as it is defined: the two nearest groups, again and again."""
    distances = 1 - vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    groups = [frozenset(np.flatnonzero(together == number).tolist()) for number in set(together.tolist()) - {-1}]
    groups += [frozenset([row]) for row in np.flatnonzero(together < 0).tolist()]
    heights = dict.fromkeys(groups, 0.0)
    while True:
        allowed = [
            (float(np.mean([distances[a, b] for a in one for b in other])), one, other)
            for one, other in combinations(groups, 2)
            if not any((a, b) in pairs or (b, a) in pairs for a in one for b in other)
        ]
        if not allowed or (nearest := min(allowed, key=lambda each: each[0]))[0] > cut:
            return set(groups), heights
        height, one, other = nearest
        groups = [each for each in groups if each not in (one, other)] + [one | other]
        heights[one | other] = height


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 14), st.integers(0, 10_000), st.floats(0.05, 1.6), st.floats(0, 0.3), st.integers(0, 3))
def test_equal_to_the_definition(number: int, seed: int, cut: float, share: float, people: int) -> None:
    random = np.random.default_rng(seed)
    vectors = unit_vectors(number, 3, seed)
    pairs = {pair for pair in combinations(range(number), 2) if random.random() < share}
    together = random.integers(-1, people, number) if people else alone(number)
    groups, heights = naive(vectors, cut, pairs, together)
    labels, tops = cluster(vectors, cut, forbidden=those(pairs), together=together, tile=7)
    found = [frozenset(np.flatnonzero(labels == group).tolist()) for group in range(len(tops))]
    assert set(found) == groups
    assert tops == pytest.approx([heights[group] for group in found], abs=1e-5)
    assert [min(group) for group in found] == sorted(min(group) for group in found)  # numbered by first rows


def test_planted_people_are_found() -> None:
    people = unit_vectors(30, 64)
    who = np.random.default_rng(1).integers(0, 30, 600)
    noise = unit_vectors(600, 64, seed=2) * 0.3
    seen = people[who] + noise
    labels, tops = cluster(
        seen / np.linalg.norm(seen, axis=1, keepdims=True), 0.4, forbidden=never, together=alone(600)
    )
    assert len(tops) == 30
    assert len(set(zip(labels.tolist(), who.tolist(), strict=True))) == 30


def test_the_size_of_tiles_changes_nothing() -> None:
    vectors = unit_vectors(400, 16)
    pairs = {(i, i + 1) for i in range(0, 400, 3)}
    whole = cluster(vectors, 0.6, forbidden=those(pairs), together=alone(400))
    tiled = cluster(vectors, 0.6, forbidden=those(pairs), together=alone(400), tile=1000)
    np.testing.assert_array_equal(whole.labels, tiled.labels)
    np.testing.assert_array_equal(whole.heights, tiled.heights)
    assert 20 < len(whole.heights) < 390


def test_components() -> None:
    """0–1–2 by pairs, 3 forbidden, 4 and 5 together although far apart."""
    angles = np.array([0, 0.4, 0.8, 1.1, 2, 3])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    together = np.array([-1, -1, -1, -1, 7, 7])
    parts = connected(vectors, 1 - np.cos(0.5), those({(2, 3)}), together)
    assert [np.flatnonzero(parts == part).tolist() for part in dict.fromkeys(parts.tolist())] == [
        [0, 1, 2],
        [3],
        [4, 5],
    ]


def test_copies_do_not_part_what_is_together() -> None:
    """Row 1 is a copy of row 0, and cannot be with row 2, which must be with row 0."""
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    labels, tops = cluster(vectors, 0.5, forbidden=those({(1, 2), (0, 2)}), together=np.array([3, -1, 3]))
    assert labels.tolist() == [0, 1, 0]
    assert tops.tolist() == [0, 0]


def test_nothing() -> None:
    labels, tops = cluster(np.empty((0, 4), np.float32), 0.5, forbidden=never, together=alone(0))
    assert (len(labels), len(tops)) == (0, 0)
