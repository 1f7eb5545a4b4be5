import numpy as np
import pytest

from scalereid.detection.suppression import intersection_over_union, suppress


def naive(boxes: list[list[float]], scores: list[float], overlap: float) -> list[int]:
    """The definition, box by box."""
    order = sorted(range(len(boxes)), key=lambda i: (-scores[i], i))
    kept: list[int] = []
    for i in order:
        dropped = False
        for j in kept:
            a, b = boxes[i], boxes[j]
            width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
            both = width * height if width > 0 and height > 0 else 0
            either = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
            dropped = dropped or both / max(either, 1e-12) > overlap
        if not dropped:
            kept.append(i)
    return kept


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.65, 1.0])
def test_as_a_double_loop_does(overlap: float) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        corners, sizes = rng.uniform(0, 60, (40, 2)), rng.uniform(5, 40, (40, 2))
        boxes, scores = np.concatenate([corners, corners + sizes], axis=1), rng.integers(0, 9, 40) / 9  # with ties
        assert suppress(boxes, scores, overlap).tolist() == naive(boxes.tolist(), scores.tolist(), overlap)


def test_overlaps_by_hand() -> None:
    box = np.array([0.0, 0, 10, 10])
    others = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 7, 6], [50, 50, 60, 60], [3, 3, 3, 3]])
    assert intersection_over_union(box, others) == pytest.approx([1, 50 / 150, 0, 0.2, 0, 0])
    assert intersection_over_union(np.zeros(4), np.zeros((1, 4))) == [0]


def test_nothing_stays_of_nothing() -> None:
    assert suppress(np.empty((0, 4)), np.empty(0), 0.5).shape == (0,)
