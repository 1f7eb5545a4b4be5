from typing import Any

import numpy as np
import pytest

from scalereid.retrieval.pairs import PairDistances, pair_distances
from tests.golden import inputs


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_every_pair_is_counted_once(distance: Any) -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(4, 30, 200, 10, 3)
    g_pids[:5] = -1
    labels: dict[str, Any] = {"query_pids": q_pids, "gallery_pids": g_pids, "query_camids": q_camids}
    pairs = pair_distances(query, gallery, **labels, gallery_camids=g_camids, distance=distance)
    same = q_pids[:, None] == g_pids
    ignored = (same & (q_camids[:, None] == g_camids)) | (g_pids == -1)
    q, g = query.astype(np.float64), gallery.astype(np.float64)
    if distance == "cosine":
        q, g = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (q, g))
        distances = 1 - q @ g.T
    else:
        distances = ((q[:, None] - g) ** 2).sum(axis=2)
    for counts, wanted in ((pairs.same, same & ~ignored), (pairs.different, ~same & ~ignored)):
        assert counts.sum() == wanted.sum()
        step = pairs.edges[1]
        clamped = np.minimum(distances[wanted], pairs.edges[-1])  # what is farther counts in the last bin
        off = np.abs(counts.cumsum() - np.histogram(clamped, pairs.edges)[0].cumsum())
        assert off.max() <= 2  # float32 puts a few on the other side of an edge
        assert abs((counts * (pairs.edges[:-1] + step / 2)).sum() - clamped.sum()) < step * wanted.sum()


PAIRS = PairDistances(
    edges=np.array([0.0, 1.0, 2.0, 3.0, 4.0]), same=np.array([6, 3, 1, 0]), different=np.array([0, 1, 9, 90])
)


def test_thresholds_by_hand() -> None:
    """Below 1 there is no wrong pair; below 2 one of 100; below 3 ten of 100."""
    assert [PAIRS.threshold(rate).threshold for rate in (0.01, 0.05, 0.1, 0.5)] == [2, 2, 3, 3]
    point = PAIRS.threshold(0.05)
    assert (point.wanted, point.false_match_rate, point.true_match_rate) == (0.05, 0.01, 0.9)
    false, true = PAIRS.rates()
    assert false.tolist() == [0, 0, 0.01, 0.1, 1]
    assert true.tolist() == [0, 0.6, 0.9, 1, 1]


def test_rates_that_cannot_be_measured_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.001 cannot be measured with 100 pairs of two people; it takes 1,000"):
        PAIRS.threshold(0.001)
    for rate in (0.0, 1.0):
        with pytest.raises(ValueError, match="is not between 0 and 1"):
            PAIRS.threshold(rate)


def test_pairs_of_one_kind_alone_are_refused() -> None:
    labels: dict[str, Any] = {"query_camids": [1], "gallery_camids": [2], "query_pids": [1]}
    with pytest.raises(ValueError, match="there are 1 pairs of one person and 0 of two"):
        pair_distances(np.ones((1, 2)), np.ones((1, 2)), gallery_pids=[1], **labels)
    with pytest.raises(ValueError, match="there are 0 pairs of one person and 1 of two"):
        pair_distances(np.ones((1, 2)), np.ones((1, 2)), gallery_pids=[2], **labels)


def test_one_long_embedding_spoils_nothing() -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(4, 30, 200, 10, 3)
    labels: dict[str, Any] = {"query_pids": q_pids, "query_camids": q_camids, "distance": "euclidean"}
    plain = pair_distances(query, gallery, gallery_pids=g_pids, gallery_camids=g_camids, **labels)
    gallery = np.concatenate([gallery, 1_000 * gallery[:1]])
    g_pids, g_camids = np.r_[g_pids, 99], np.r_[g_camids, 1]
    spoilt = pair_distances(query, gallery, gallery_pids=g_pids, gallery_camids=g_camids, **labels)
    assert spoilt.threshold(0.05).threshold == pytest.approx(plain.threshold(0.05).threshold, rel=0.01)
