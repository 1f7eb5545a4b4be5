import json
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scalereid.attributes.scores import AttributeScores, score_attributes
from scalereid.attributes.table import AttributeLabels
from scalereid.typed_json import from_json


def labels(values: NDArray[np.integer] | list[list[int]]) -> AttributeLabels:
    array = np.array(values, np.int8)
    return AttributeLabels(tuple(f"a{i}" for i in range(array.shape[1])), array)


def test_a_table_checked_by_hand() -> None:
    there = [[1, 0, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0]]
    likely = np.array([[0.9, 0.1, 0.2], [0.5, 0.9, 0.6], [0.7, 0.4, 0.1], [0.8, 0.1, 0.1]])
    scores = score_attributes(likely, labels(there))
    # a0: both of 2 positives, none of 2 negatives. a1: 1 of 2, 2 of 2. a2: 0 of 1, 2 of 3.
    rates = [(one.true_positive_rate, one.true_negative_rate) for one in scores.attributes]
    assert rates == [(1.0, 0.0), (0.5, 1.0), (0.0, pytest.approx(2 / 3))]
    assert [one.mean_accuracy for one in scores.attributes] == [0.5, 0.75, pytest.approx(1 / 3)]
    assert [(one.positives, one.negatives) for one in scores.attributes] == [(2, 2), (2, 2), (1, 3)]
    assert scores.mA == pytest.approx((0.5 + 0.75 + 1 / 3) / 3)
    # The last image has no attribute and counts in mA alone. Of the others, 1, 2 and 0 are right; 2, 3 and 2 in the union, 1, 3
    # and 1 predicted, 2, 2 and 1 there.
    assert scores.accuracy == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    assert scores.precision == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert scores.recall == pytest.approx((1 / 2 + 1 + 0) / 3)
    f1 = 2 * scores.precision * scores.recall / (scores.precision + scores.recall)
    assert scores.F1 == pytest.approx(f1)  # noqa: SIM300 - the metric's name is no constant
    assert scores.images == 4


def test_what_is_not_known_counts_nowhere() -> None:
    likely = np.array([[0.9, 0.9], [0.1, 0.9], [0.9, 0.1], [0.9, 0.9]])
    scores = score_attributes(likely, labels([[1, -1], [0, 1], [1, 0], [-1, -1]]))
    assert [(one.positives, one.negatives, one.mean_accuracy) for one in scores.attributes] == [(2, 1, 1), (1, 1, 1)]
    assert (scores.images, scores.mA, scores.accuracy, scores.precision, scores.recall, scores.F1) == (3, 1, 1, 1, 1, 1)


def test_an_attribute_that_all_or_none_have_is_left_out_of_the_mean() -> None:
    likely = np.array([[0.9, 0.9, 0.9], [0.1, 0.1, 0.1]])
    scores = score_attributes(likely, labels([[1, 1, 0], [0, 1, 0]]))
    assert scores.undefined == ("a1", "a2")
    assert scores.mA == 1
    assert scores.attributes[1].true_negative_rate is None
    assert scores.attributes[2].true_positive_rate is None
    assert scores.mean_accuracy(["a0"]) == 1
    with pytest.raises(ValueError, match="'a1' is not defined: its test images all have it, or none has"):
        scores.mean_accuracy(["a0", "a1"])
    with pytest.raises(ValueError, match="'x' is not there"):
        scores.mean_accuracy(["x"])


def test_an_image_of_which_nothing_is_predicted_has_precision_0() -> None:
    scores = score_attributes(np.array([[0.1], [0.1]]), labels([[1], [0]]))
    assert (scores.accuracy, scores.precision, scores.recall, scores.F1, scores.mA) == (0, 0, 0, 0, 0.5)


def test_against_naive_loops() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        values, likely = rng.integers(-1, 2, (30, 5)), rng.random((30, 5))
        scores = score_attributes(likely, labels(values))
        accuracies, by_image = [], []
        for j in range(5):
            right, number = {1: 0, 0: 0}, {1: 0, 0: 0}
            for i in range(30):
                if values[i, j] >= 0:
                    number[values[i, j]] += 1
                    right[values[i, j]] += int((likely[i, j] >= 0.5) == values[i, j])
            accuracies.append((right[1] / number[1] + right[0] / number[0]) / 2)
        for i in range(30):
            there = {j for j in range(5) if values[i, j] == 1}
            said = {j for j in range(5) if likely[i, j] >= 0.5 and values[i, j] >= 0}
            if there:
                both = len(there & said)
                by_image.append((both / len(there | said), both / len(said) if said else 0, both / len(there)))
        np.testing.assert_allclose([one.mean_accuracy for one in scores.attributes], accuracies)  # type: ignore[arg-type]
        np.testing.assert_allclose((scores.accuracy, scores.precision, scores.recall), np.mean(by_image, axis=0))
        assert scores.mA == pytest.approx(np.mean(accuracies))


def test_what_cannot_be_scored() -> None:
    with pytest.raises(ValueError, match=r"likelihoods of shape \[1, 2\] and labels of shape \[1, 1\]"):
        score_attributes(np.zeros((1, 2)), labels([[1]]))
    with pytest.raises(ValueError, match="not finite"):
        score_attributes(np.array([[np.nan]]), labels([[1]]))
    with pytest.raises(ValueError, match="there in one test image and not there in another"):
        score_attributes(np.zeros((2, 2)), labels([[1, -1], [1, 0]]))


def test_scores_survive_json_and_are_read() -> None:
    scores = score_attributes(np.array([[0.9, 0.9], [0.1, 0.9]]), labels([[1, 1], [0, 1]]))
    assert from_json(AttributeScores, json.loads(json.dumps(scores.to_json())), "scores") == scores
    assert (
        str(replace(scores, mA=0.5)) == "mA 50.00%   accuracy 100.00%   precision 100.00%   recall 100.00%   F1 100.00%"
    )
    assert scores.metric("F1") == 1
