import numpy as np
import pytest
import torch

from scalereid.retrieval.ranking import rank
from tests.golden import inputs


def test_nearest_first_own_camera_left_out() -> None:
    ranking = rank(
        np.array([[0.0]]), np.array([[4.0], [1.0], [2.0], [3.0]]), query_pids=[7], gallery_pids=[8, 9, 7, 7], query_camids=[1],
        gallery_camids=[2, 2, 2, 1], distance="euclidean", top=4,
    )  # fmt: skip
    assert ranking.indices.tolist() == [[1, 2, 0, -1]]
    assert ranking.distances.tolist() == [[1.0, 4.0, 16.0, torch.inf]]
    assert ranking.correct.tolist() == [[False, True, False, False]]


def test_agrees_with_a_full_sort() -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(1, 20, 90, 8, 3)
    ranking = rank(
        query, gallery, query_pids=q_pids, gallery_pids=g_pids, query_camids=q_camids, gallery_camids=g_camids, top=10
    )
    q, g = (x.astype(np.float64) / np.linalg.norm(x, axis=1, keepdims=True) for x in (query, gallery))
    distances = 1 - q @ g.T
    distances[(q_pids[:, None] == g_pids) & (q_camids[:, None] == g_camids)] = np.inf
    expected = np.argsort(distances, axis=1, kind="stable")[:, :10]
    assert ranking.indices.tolist() == expected.tolist()
    assert ranking.correct.tolist() == (g_pids[expected] == q_pids[:, None]).tolist()
    np.testing.assert_allclose(ranking.distances.numpy(), np.take_along_axis(distances, expected, 1), atol=1e-6)


def test_short_gallery() -> None:
    ranking = rank(
        np.eye(2), np.eye(2), query_pids=[1, 2], gallery_pids=[1, 2], query_camids=[1, 1], gallery_camids=[2, 2], top=99
    )
    assert ranking.indices.shape == (2, 2)


def test_unknown_protocols_are_refused() -> None:
    labels = {"query_pids": [1], "gallery_pids": [1], "query_camids": [1], "gallery_camids": [2]}
    with pytest.raises(ValueError, match="there is no protocol 'all_cameras'"):
        rank(np.eye(1), np.eye(1), **labels, protocol="all_cameras")  # type: ignore[arg-type]


def test_small_numbers_of_any_type() -> None:
    """255 of one byte is no −1."""
    ranking = rank(
        np.eye(2), np.eye(2), query_pids=np.array([255, 3], np.uint8), gallery_pids=np.array([255, 3], np.uint8),
        query_camids=np.array([1, 1], np.uint16), gallery_camids=np.array([2, 2], np.uint16), protocol="single-gallery-shot",
    )  # fmt: skip
    assert ranking.correct[:, 0].tolist() == [True, True]
