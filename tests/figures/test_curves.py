from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from scalereid.attributes.scores import AttributeScores
from scalereid.classification.scores import ClassScores
from scalereid.figures.curves import training_curve
from scalereid.retrieval.scores import Scores
from scalereid.runs.log import EpochLog


def scored(epoch: int, value: float, losses: dict[str, float]) -> EpochLog:
    scores = Scores(value, value, np.full(20, value), 10, 0, "cosine", "market1501")
    return EpochLog(epoch, losses=losses, scores=scores)


def size(png: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(png)) as image:
        return image.size


def test_hardest_distances_get_a_picture_where_there_are_any() -> None:
    plain = [scored(0, 0.1, {}), scored(1, 0.4, {"total": 2.0})]
    later = [*plain, scored(2, 0.5, {"total": 1.0, "hardest_positive": 3.0, "hardest_negative": 2.0})]
    width, height = size(training_curve(plain))
    assert size(training_curve(later)) == (width, 1.5 * height)


def test_scores_of_classes_and_attributes_get_a_picture_each() -> None:
    attributes = AttributeScores(10, 0.6, 0.5, 0.5, 0.5, 0.5, ())
    log = [EpochLog(1, losses={"total": 2.0}, class_scores=ClassScores(10, 5, 0.3, 1.0))]
    width, height = size(training_curve(log))
    both = [*log, scored(2, 0.5, {"total": 1.0}), EpochLog(2, attribute_scores=attributes)]
    assert size(training_curve(both)) == (width, 2 * height)


@pytest.mark.parametrize("losses", [[2.0], [-1.0, -2.0, -3.0], [float("inf"), 1.0, 2.0]])
def test_the_loss_is_seen(losses: list[float]) -> None:
    """Also of a single epoch, and where a term of one's own makes it negative."""
    epochs = [EpochLog(number, losses={"total": value}) for number, value in enumerate(losses, start=1)]
    with Image.open(BytesIO(training_curve([EpochLog(0), *epochs]))) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert (pixels == [0x46, 0x59, 0x7A]).all(axis=2).sum() > 10


def test_an_empty_log_is_drawn_empty() -> None:
    assert min(size(training_curve([]))) > 250


def test_missing_matplotlib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'scalereid\[figures\]'"):
        training_curve([])
