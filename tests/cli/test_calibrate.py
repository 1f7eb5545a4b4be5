import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scalereid.retrieval.calibration import Calibration
from tests.cli.conftest import Answer, Fail, Say


@pytest.fixture
def run(runs: Path, tmp_path: Path) -> Path:
    """A run of one's own, to write into."""
    shutil.copytree(runs / "short", tmp_path / "run")
    return tmp_path / "run"


def test_what_distances_mean_is_printed_and_kept(run: Path, colours: Path, say: Say) -> None:
    text = say("calibrate", run, "--data", colours)
    assert "20 pairs of one person, 180 of two" in text
    assert re.search(r"│ 10\.000% +│ 0\.\d{4} +│ +[\d.]+% +│ [\d.]+% +│", text)
    assert "open set: 5 queries of people in the gallery, 5 of others" in text
    assert re.search(r"At a distance of 0\.\d{4} two images show the same person with a probability of [\d.]+%", text)
    found = Calibration.load(run / "calibration.json")
    assert found.probability(0.0) > 0.5 > found.probability(0.5)
    assert found.points[0].true_match_rate > 0.5
    assert found.prior == 0.1
    for name in ("distances.png", "roc.png"):
        with Image.open(run / name) as picture:
            assert np.asarray(picture).std() > 5


def test_rates_of_ones_own(run: Path, colours: Path, say: Say, answer: Answer, fail: Fail) -> None:
    found = answer("calibrate", run, "--data", colours, "--rates", "0.05", "0.2")
    assert [point["wanted"] for point in found["points"]] == [0.05, 0.2]
    assert (found["same_pairs"], found["different_pairs"], found["prior"]) == (20, 180, 0.1)
    assert found["open_set"]["known"] == found["open_set"]["unknown"] == 5
    assert Calibration.load(Path(found["calibration"])).points[1].wanted == 0.2
    assert "An earlier calibration, on colours" in say("calibrate", run, "--data", colours)
    assert "1.5; it must be between 0 and 1" in fail("calibrate", run, "--data", colours, "--rates", "1.5")


def test_weights_take_a_folder(run: Path, colours: Path, tmp_path: Path, say: Say, fail: Fail) -> None:
    words = (
        "calibrate",
        run / "last.safetensors",
        "--data",
        colours,
        "--method",
        "isotonic",
        "--distance",
        "euclidean",
    )
    assert "is not a run to keep a calibration in" in fail(*words)
    assert "(on the command line: --out)" in fail(*words)
    say(*words, "--out", tmp_path / "c")
    found = Calibration.load(tmp_path / "c" / "calibration.json")
    assert (found.method, found.distance) == ("isotonic", "euclidean")
