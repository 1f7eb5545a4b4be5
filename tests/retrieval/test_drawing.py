from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scalereid.retrieval.answers import LabelledPairs
from scalereid.retrieval.calibration import Calibration, calibrate
from scalereid.retrieval.drawing import draw_pairs
from scalereid.retrieval.labelled import labelled
from scalereid.retrieval.pairs import PairDistances, pair_distances, sampled_pair_distances

ABOUT: dict[str, Any] = {"distance": "cosine", "model": "m", "fingerprint": "f", "dataset": "d"}


def people(number: int = 60, images: int = 10, size: int = 16) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Embeddings of known people, some of whom are alike."""
    rng = np.random.default_rng(0)
    pids = np.repeat(np.arange(number), images)
    rows = rng.normal(size=(number, size))[pids] + 0.55 * rng.normal(size=(number * images, size))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), pids


def distances(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    first, second = np.triu_indices(len(rows), 1)
    return np.asarray(1 - (rows @ rows.T)[first, second])


def test_pairs_are_of_two_images_and_stand_for_all() -> None:
    rows, _ = people()
    drawn = draw_pairs(rows, 200)
    assert (drawn.first < drawn.second).all()
    assert len({*zip(drawn.first, drawn.second, strict=True)}) == len(drawn.first) == 200
    assert drawn.pairs == 600 * 599 // 2
    assert drawn.weights.sum() == pytest.approx(drawn.pairs)
    np.testing.assert_allclose(drawn.distances, 1 - (rows[drawn.first] * rows[drawn.second]).sum(axis=1), atol=1e-5)


def test_the_most_similar_pairs_are_all_drawn_and_each_order_of_magnitude_alike() -> None:
    rows, _ = people()
    drawn = draw_pairs(rows, 200)
    rank = np.searchsorted(np.sort(distances(rows)), drawn.distances - 1e-6)
    assert {*range(8)} <= {*rank.tolist()}
    by_magnitude = np.histogram(np.log10(rank.clip(1)), np.log10([100, 1_000, 10_000, 100_000]))[0]
    assert by_magnitude.min() > 30
    assert np.corrcoef(np.log(rank + 10), np.log(drawn.weights))[0, 1] > 0.98


def test_every_pair_of_a_stratum_is_equally_likely() -> None:
    """Over many seeds the mean of any property of pairs, weighted, is that of all pairs."""
    rows, pids = people(12, 4)
    first, second = np.triu_indices(len(rows), 1)
    means, firsts = [], []
    for seed in range(120):
        drawn = draw_pairs(rows, 60, seed=seed)
        means.append((drawn.weights * (pids[drawn.first] == pids[drawn.second])).sum())
        firsts.append((drawn.weights * drawn.first).sum() / drawn.pairs)
    everyone = (pids[first] == pids[second]).sum()
    assert np.mean(means) == pytest.approx(everyone, abs=3 * np.std(means) / np.sqrt(120))
    assert np.mean(firsts) == pytest.approx(first.mean(), abs=3 * np.std(firsts) / np.sqrt(120))


def test_any_beginning_is_a_sample_of_all_strata() -> None:
    drawn = draw_pairs(people()[0], 200)
    strata = len(np.unique(drawn.weights))
    for start in range(0, 200, 20):
        assert len(np.unique(drawn.weights[start : start + 20])) >= strata - 2


def test_few_images_give_all_their_pairs() -> None:
    drawn = draw_pairs(np.eye(5), 200)
    assert sorted(zip(drawn.first.tolist(), drawn.second.tolist(), strict=True)) == [
        (i, j) for i in range(5) for j in range(i + 1, 5)
    ]
    assert drawn.weights.tolist() == [1.0] * 10


def test_cameras() -> None:
    rows, _ = people(20, 6)
    camids = np.arange(120) % 4 - 1
    drawn = draw_pairs(rows, 100, camids=camids)
    assert (camids[drawn.first] != camids[drawn.second]).all()
    assert min(camids[drawn.first].min(), camids[drawn.second].min()) == 0
    assert drawn.pairs == 3 * 30 * 30


def test_the_same_seed_draws_the_same() -> None:
    rows, _ = people(20, 5)
    one, other, third = (draw_pairs(rows, 50, seed=seed) for seed in (1, 1, 2))
    assert one.first.tolist() == other.first.tolist() != third.first.tolist()


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="number is 0; expected a whole number from 1 to"):
        draw_pairs(np.eye(3), 0)
    with pytest.raises(ValueError, match="no two of the 1 images can be compared"):
        draw_pairs(np.ones((1, 4)))
    with pytest.raises(ValueError, match="no two of the 3 images from two cameras can be compared"):
        draw_pairs(np.eye(3), camids=[2, 2, -1])
    with pytest.raises(ValueError, match=r"camids have shape \[2\]; expected \[3\]"):
        draw_pairs(np.eye(3), camids=[1, 2])


def of_labels(rows: NDArray[np.float64], pids: NDArray[np.int64], seed: int, unsure: float = 0) -> PairDistances:
    drawn = draw_pairs(rows, 300, seed=seed)
    same = pids[drawn.first] == pids[drawn.second]
    answers = np.where(same, "same", "different").astype(object)
    answers[np.random.default_rng(seed).random(300) < unsure] = "unsure"
    pairs = LabelledPairs((), (), tuple(answers), drawn.weights, drawn.distances, "f")
    return pairs.pair_distances(drawn.distances)


def every_pair(rows: NDArray[np.float64], pids: NDArray[np.int64]) -> PairDistances:
    """All pairs, counted from either side; of images from cameras of their own."""
    embeddings = labelled(rows, pids, np.arange(len(pids)))
    return pair_distances(embeddings, embeddings)


@pytest.fixture(scope="module")
def everyone() -> tuple[NDArray[np.float64], NDArray[np.int64], Calibration]:
    rows, pids = people()
    return rows, pids, calibrate(every_pair(rows, pids), **ABOUT)


@pytest.mark.parametrize("unsure", [0, 0.1])
def test_300_labels_tell_what_all_pairs_tell(everyone: Any, unsure: float) -> None:
    """Thresholds are within their 95 % intervals in nearly all of 12 seeds, probabilities near the true ones in most."""
    rows, pids, known = everyone
    within, near = {point.wanted: 0 for point in known.points}, 0
    at = np.linspace(0.1, 0.8, 30)
    for seed in range(12):
        found = calibrate(of_labels(rows, pids, seed, unsure), **ABOUT)
        assert [point.wanted for point in found.points] == [*within]
        for point, true in zip(found.points, known.points, strict=True):
            assert point.interval
            assert point.interval[0] <= point.threshold <= point.interval[1]
            within[point.wanted] += point.interval[0] <= true.threshold <= point.interval[1]
        near += np.abs(found.probability(at) - known.probability(at)).max() < 0.2
    assert min(within.values()) >= 11
    assert near >= 9


def test_all_pairs_labelled_is_all_pairs_counted() -> None:
    rows, pids = people(12, 4)
    counted = every_pair(rows, pids)
    first, second = np.triu_indices(len(rows), 1)
    sampled = sampled_pair_distances(distances(rows), pids[first] == pids[second], np.ones(len(first)))
    assert 2 * sampled.same.sum() == counted.same.sum()
    assert 2 * sampled.different.sum() == counted.different.sum()
    one, other = calibrate(counted, **ABOUT), calibrate(sampled, **ABOUT)
    assert other.points[0].threshold == pytest.approx(one.points[0].threshold, abs=1e-3)
    np.testing.assert_allclose(
        other.probability([0.3, 0.5], prior=0.5), one.probability([0.3, 0.5], prior=0.5), atol=0.02
    )
