import numpy as np
import pytest
from sklearn.metrics import pair_confusion_matrix

from scalereid.retrieval.cluster_scores import score_clusters


def test_by_hand() -> None:
    """Groups {a a b}, {b b}, {a}: 1 + 1 right pairs of 3 + 1 in groups, and of 3 + 3 of one person."""
    found = score_clusters([0, 0, 0, 5, 5, 2], ["a", "a", "b", "b", "b", "a"])
    assert (found.precision, found.recall) == (2 / 4, 2 / 6)
    assert found.f1 == pytest.approx(0.4)
    # Of each row: the share of its group that is its person, and of its person that is in its group.
    assert found.b_cubed_precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1 + 1) / 6)
    assert found.b_cubed_recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 2 / 3 + 2 / 3 + 1 / 3) / 6)
    assert (found.groups, found.people) == (3, 2)


def test_everything_alone_or_together() -> None:
    alone, together = score_clusters(range(4), [1, 1, 2, 2]), score_clusters([0] * 4, [1, 1, 2, 2])
    assert (alone.precision, alone.recall, alone.f1) == (1, 0, 0)
    assert alone.b_cubed == pytest.approx(2 / 3)
    assert (together.precision, together.recall, together.b_cubed_precision) == (2 / 6, 1, 0.5)


def test_equal_to_scikit_learn() -> None:
    random = np.random.default_rng(0)
    groups, pids = random.integers(0, 9, 200), random.integers(0, 12, 200)
    (_, false), (missed, right) = pair_confusion_matrix(pids, groups)
    found = score_clusters(groups, pids)
    assert found.precision == pytest.approx(right / (right + false), rel=1e-12)
    assert found.recall == pytest.approx(right / (right + missed), rel=1e-12)


def test_rows_must_fit() -> None:
    with pytest.raises(ValueError, match="found 2 groups and 3 people; expected one of each for every row"):
        score_clusters([0, 1, 1][:2], [0, 1, 2])
