from typing import Any

import numpy as np
import pytest
import torch

from scalereid.retrieval.ranking import rank
from tests.golden import inputs
from tests.retrieval.reference import distances_between, on_a_line, pair


def test_nearest_first_own_camera_left_out() -> None:
    both = on_a_line([0.0], [4.0, 1.0, 2.0, 3.0], [7], [8, 9, 7, 7], [1], [2, 2, 2, 1])
    ranking = rank(*both, distance="euclidean", top=4)
    assert ranking.indices.tolist() == [[1, 2, 0, -1]]
    assert ranking.distances.tolist() == [[1.0, 4.0, 16.0, torch.inf]]
    assert ranking.correct.tolist() == [[False, True, False, False]]
    assert ranking.matches.tolist() == [1]


def test_own_image_left_out() -> None:
    both = on_a_line([0.0], [0.0, 1.0, 2.0], [1], [1, 2, 1], [1], [1, 1, 1], [7], [7, 8, 9])
    ranking = rank(*both, distance="euclidean", protocol="all-cameras")
    assert ranking.indices.tolist() == [[1, 2, -1]]
    assert ranking.correct.tolist() == [[False, True, False]]
    assert ranking.matches.tolist() == [1]


@pytest.mark.parametrize("block", [1, 10**6])
@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_agrees_with_a_full_sort(distance: Any, block: int) -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = features = inputs.features(1, 40, 90, 8, 3)
    ranking = rank(*pair(*features), distance=distance, top=10, block=block)
    distances = distances_between(query, gallery, distance)
    distances[(q_pids[:, None] == g_pids) & (q_camids[:, None] == g_camids)] = np.inf
    expected = np.argsort(distances, axis=1, kind="stable")[:, :10]
    assert ranking.indices.tolist() == expected.tolist()
    assert ranking.correct.tolist() == (g_pids[expected] == q_pids[:, None]).tolist()
    np.testing.assert_allclose(
        ranking.distances.numpy(), np.take_along_axis(distances, expected, 1), rtol=1e-4, atol=1e-5
    )
    assert ranking.matches.tolist() == ((q_pids[:, None] == g_pids) & np.isfinite(distances)).sum(axis=1).tolist()


def test_short_gallery() -> None:
    ranking = rank(*pair(np.eye(2), np.eye(2), [1, 2], [1, 2], [1, 1], [2, 2]), top=99)
    assert ranking.indices.shape == (2, 2)


def test_nothing_is_correct_where_nothing_is_left() -> None:
    """The last row of the gallery, which index −1 would mean, is a match."""
    ranking = rank(*on_a_line([0.0], [1.0, 2.0], [1], [1, 1], [1], [1, 2]), distance="euclidean")
    assert ranking.indices.tolist() == [[1, -1]]
    assert ranking.correct.tolist() == [[True, False]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": "all_cameras"}, "No such protocol: 'all_cameras'. Choose from market1501, all-cameras"),
        ({"distance": "cos"}, "No such distance: 'cos'. Choose from cosine, euclidean"),
        ({"top": 0}, "top is 0; expected a whole number of at least 1"),
    ],
)
def test_bad_settings_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rank(*pair(np.eye(1), np.eye(1), [1], [1], [1], [2]), **change)
