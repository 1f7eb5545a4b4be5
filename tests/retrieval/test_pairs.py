from typing import Any

import numpy as np
import pytest

from scalereid.retrieval.pairs import PairDistances, pair_distances, sampled_pair_distances
from tests.golden import inputs
from tests.retrieval.reference import distances_between, pair


@pytest.mark.parametrize("distance", ["cosine", "euclidean"])
def test_every_pair_is_counted_once(distance: Any) -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(4, 30, 200, 10, 3)
    g_pids[:5] = -1
    pairs = pair_distances(*pair(query, gallery, q_pids, g_pids, q_camids, g_camids), distance=distance)
    same = q_pids[:, None] == g_pids
    ignored = (same & (q_camids[:, None] == g_camids)) | (g_pids == -1)
    distances = distances_between(query, gallery, distance)
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


@pytest.mark.parametrize(("gallery_pid", "same", "different"), [(1, 1, 0), (2, 0, 1)])
def test_pairs_of_one_kind_alone_are_refused(gallery_pid: int, same: int, different: int) -> None:
    both = pair(np.ones((1, 2)), np.ones((1, 2)), [1], [gallery_pid], [1], [2])
    with pytest.raises(ValueError, match=f"found {same} pairs? of one person and {different} of two"):
        pair_distances(*both)


def test_the_protocol_is_followed() -> None:
    """Of four pairs, market1501 leaves out the one of one camera, and all-cameras those of one image."""
    both = pair(np.eye(2), np.eye(2), [1, 2], [1, 2], [1, 1], [2, 1], [5, 6], [5, 7])
    counts = {}
    for protocol in ("market1501", "all-cameras"):
        pairs = pair_distances(*both, protocol=protocol)
        counts[protocol] = (int(pairs.same.sum()), int(pairs.different.sum()))
    assert counts == {"market1501": (1, 2), "all-cameras": (1, 2)}
    both = pair(np.eye(2), np.eye(2), [1, 2], [1, 2], [1, 1], [2, 2], [5, 6], [5, 7])
    pairs = pair_distances(*both)
    assert (pairs.same.sum(), pairs.different.sum()) == (2, 2)


def test_one_long_embedding_spoils_nothing() -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = features = inputs.features(4, 30, 200, 10, 3)
    plain = pair_distances(*pair(*features), distance="euclidean")
    gallery = np.concatenate([gallery, 1_000 * gallery[:1]])
    longer = pair(query, gallery, q_pids, np.r_[g_pids, 99], q_camids, np.r_[g_camids, 1])
    spoilt = pair_distances(*longer, distance="euclidean")
    assert spoilt.threshold(0.05).threshold == pytest.approx(plain.threshold(0.05).threshold, rel=0.01)


def sampled(distances: list[float], same: list[bool], weights: list[float]) -> PairDistances:
    return sampled_pair_distances(np.array(distances), np.array(same), np.array(weights))


def test_a_sample_by_hand() -> None:
    """40 different pairs of weight 1: a false-match rate of 3.69/40 is the smallest, as the rule of three says."""
    pairs = sampled([0.1, *np.linspace(0.5, 0.9, 40)], [True] + [False] * 40, [1.0] * 41)
    assert pairs.smallest_rate == pytest.approx(3.6889 / 40, rel=1e-4)
    point = pairs.threshold(0.1)
    assert (point.false_match_rate, point.true_match_rate) == (0.1, 1)
    assert point.interval
    step = 0.4 / 39
    assert point.interval[0] == pytest.approx(0.5, abs=1e-3)  # of 40 pairs, 3.7 may be missing below the first
    assert point.interval[1] == pytest.approx(0.5 + 8 * step, abs=1e-3)  # the lower end for 8 is 3.45, for 9 4.1
    with pytest.raises(
        ValueError, match=r"0\.05 cannot be measured with 40 labelled pairs of two people; the smallest"
    ):
        pairs.threshold(0.05)


def test_weights_count() -> None:
    pairs = sampled([0.1, 0.2, 0.3, 0.9], [True, False, True, False], [1, 1, 3, 995])
    assert pairs.different.sum() == 996
    assert pairs.rates()[0][[0, -1]].tolist() == [0, 1]
    assert pairs.threshold(0.01).true_match_rate == 1
    assert pairs.threshold(0.01).false_match_rate == pytest.approx(1 / 996)
    assert pairs.smallest_rate == pytest.approx(3.6889 / 996, rel=1e-4)
    assert pairs.effective_same == pytest.approx(16 / 10)


def test_all_pairs_are_known_exactly() -> None:
    assert PAIRS.smallest_rate == 0.01
    assert PAIRS.threshold(0.05).interval is None
    low, high = PAIRS.false_match_interval
    assert low.tolist() == high.tolist() == PAIRS.rates()[0].tolist()
    assert PAIRS.effective_same == 10
