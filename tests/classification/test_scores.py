import numpy as np
import pytest

from scalereid.classification.scores import score_classes

PROBABILITIES = np.array(
    [
        [0.4, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05],  # class 0 is first
        [0.4, 0.3, 0.1, 0.05, 0.08, 0.05, 0.02],  # class 1 is second
        [0.4, 0.3, 0.1, 0.09, 0.08, 0.02, 0.01],  # class 6 is last
        [1 / 7] * 7,  # says nothing
    ]
)


def test_a_table_by_hand() -> None:
    scores = score_classes(PROBABILITIES, np.array([0, 1, 6, 3]))
    assert scores.to_json() == {"images": 4, "classes": 7, "top1": 0.25, "top5": 0.5}
    assert (scores.metric("top-1"), scores.metric("top-5")) == (0.25, 0.5)
    assert scores.ranks is not None and scores.ranks.tolist() == [1, 2, 7, 7]
    assert scores.how() == "4 images of 7 classes"
    assert str(scores) == "top-1 error 75.00%   top-5 error 50.00%"


def test_against_sorting() -> None:
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(200, 20)), random.integers(20, size=200)
    ranked = np.argsort(-logits, axis=1)
    scores = score_classes(logits, labels)
    assert scores.top1 == (ranked[:, 0] == labels).mean()
    assert scores.top5 == (ranked[:, :5] == labels[:, None]).any(axis=1).mean()


@pytest.mark.parametrize(
    ("labels", "said"),
    [([0, 1], "logits of 4 images and classes of 2"), ([0, 1, 7, 0], "a class is 7; expected 0 to 6")],
)
def test_what_does_not_fit(labels: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        score_classes(PROBABILITIES, np.array(labels))
    with pytest.raises(ValueError, match="not finite"):
        score_classes(np.full((4, 7), np.nan), np.zeros(4, int))
