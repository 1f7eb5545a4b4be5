import csv
import json
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
    Path(found["calibration"]).write_text("{}")
    said = say("calibrate", run, "--data", colours)
    assert "calibration.json is not a calibration: calibration.distance is missing; it is replaced." in " ".join(
        said.split()
    )
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


@pytest.fixture
def pairs(colours: Path, run: Path, tmp_path: Path, say: Say) -> Path:
    """What the page of `label` saves of people of one colour each, labelled by their names; every tenth unsure."""
    say("label", run, colours, "--runtime", "torch", "--out", tmp_path / "sheet.html")
    html = (tmp_path / "sheet.html").read_text()
    found = re.search(r'id="sheet">(.*?)</script>', html)
    assert found
    sheet = json.loads(found[1])
    lines = [sheet["columns"]]
    for number, (_, _, before, after) in enumerate(sheet["pairs"]):
        first, second = (Path(name).name.split("_")[0] for name in next(csv.reader([before])))
        answer = "unsure" if number % 10 == 9 else "same" if first == second else "different"
        lines.append(f"{before},{answer},{after}")
    (tmp_path / "pairs.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "pairs.csv"


def test_labelled_pairs_in_place_of_a_dataset(run: Path, pairs: Path, say: Say, answer: Answer) -> None:
    text = say("calibrate", run, "--pairs", pairs)
    assert re.search(r"\d+ pairs of one person, \d+ of two; left out: 20 unsure, 0 not labelled", text)
    assert "They stand for 435 pairs, of which about" in text
    assert re.search(r"│ 10\.000% +│ 0\.\d{4} +│ 0\.\d{4} to [01]\.\d{4} +│ +[\d.]+% +│ [\d.]+% +│", text)
    assert re.search(
        r"So few pairs cannot tell false-match rates of [^;]*0\.001, 0\.0001; the smallest that they", text
    )
    found = answer("calibrate", run, "--pairs", pairs, "--rates", "0.2")
    kept = Calibration.load(run / "calibration.json")
    assert found["unsure"] == 20
    assert found["same_pairs"] + found["different_pairs"] == 180
    assert found["stand_for"] == pytest.approx(30 * 29 / 2)
    assert found["points"][0]["interval"] == list(kept.points[0].interval or ())
    assert kept.probability(0.0) > kept.probability(0.5)
    assert kept.dataset == "200 labelled pairs (pairs.csv)"
    assert kept.prior == pytest.approx(30 / 435, abs=0.02)  # three images of each of ten people


def test_ones_own_pairs_need_no_distances(run: Path, pairs: Path, say: Say) -> None:
    with pairs.open(newline="") as file:
        rows = [[row["first"], row["second"], row["answer"]] for row in csv.DictReader(file)]
    with pairs.open("w", newline="") as file:
        csv.writer(file).writerows([["first", "second", "answer"], *rows])
    text = say("calibrate", run, "--pairs", pairs)
    assert "pairs.csv does not say how its pairs were drawn" in text
    assert "They stand for 200 pairs" in text


def test_options_that_would_be_ignored_are_refused(
    run: Path, runs: Path, pairs: Path, colours: Path, fail: Fail
) -> None:
    both = fail("calibrate", run, "--pairs", pairs, "--data", colours, "--distance", "cosine", code=2)
    assert "leave out --data, --distance" in both
    assert "Name what to calibrate on: --data FOLDER, or --pairs FILE.csv" in fail("calibrate", run, code=2)
    other = fail("calibrate", runs / "long", "--pairs", pairs, "--out", pairs.parent / "c")
    assert "Draw and label pairs with this model" in other
