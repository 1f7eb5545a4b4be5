from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scalereid.figures.curves import draw_training_curve
from scalereid.retrieval.scores import Scores
from scalereid.runs.log import EpochLog


def scored(epoch: int, value: float, losses: dict[str, float]) -> EpochLog:
    scores = Scores(value, value, np.full(20, value), 10, 0, "cosine", "market1501")
    return EpochLog(epoch, losses=losses, scores=scores)


def width(file: Path) -> int:
    with Image.open(file) as image:
        return image.width


def test_hardest_distances_get_a_picture_where_there_are_any(tmp_path: Path) -> None:
    plain = [scored(0, 0.1, {}), scored(1, 0.4, {"total": 2.0})]
    later = [*plain, scored(2, 0.5, {"total": 1.0, "hardest_positive": 3.0, "hardest_negative": 2.0})]
    for name, log in (("plain", plain), ("later", later)):
        draw_training_curve(log, tmp_path / f"{name}.png")
    assert width(tmp_path / "later.png") == 1.5 * width(tmp_path / "plain.png")


def test_an_empty_log_is_drawn_empty(tmp_path: Path) -> None:
    draw_training_curve([], tmp_path / "x.png")
    assert width(tmp_path / "x.png") > 300


def test_missing_matplotlib_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'scalereid\[figures\]'"):
        draw_training_curve([], tmp_path / "x.png")
