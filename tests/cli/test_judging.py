"""The commands that say what answers are worth, as a user types them."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from scalereid import cli
from scalereid.data.records import ReidDataset
from scalereid.experiments import training as experiment
from scalereid.progress import Progress
from scalereid.retrieval.calibration import Calibration
from scalereid.runs.recipe import Recipe, ScheduleSettings

Run = Callable[..., str]


@pytest.fixture(scope="module")
def runs(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of no epoch worth mentioning, and a longer one."""
    from tests.conftest import TINY

    folder = tmp_path_factory.mktemp("runs")
    quiet = Progress(Console(quiet=True))
    for name, epochs, rate in (("short", 1, 1e-6), ("long", 8, 0.01)):
        recipe: Recipe = replace(
            TINY,
            schedule=ScheduleSettings(epochs=epochs, decay="cosine"),
            optimizer=replace(TINY.optimizer, lr=rate),
            evaluation=replace(TINY.evaluation, every=100),
        )
        experiment.train(recipe, data=people.root, out=folder / name, progress=quiet)
    return folder


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten people each of one colour, so that any network tells them apart."""
    folder = tmp_path_factory.mktemp("colours")
    rng = np.random.default_rng(0)
    lines = ["split,path,pid,camid"]
    for pid in range(1, 11):
        colour = rng.integers(0, 255, 3)
        for camid, split in ((1, "query"), (2, "gallery"), (3, "gallery")):
            noisy = (colour + rng.normal(0, 12, (64, 32, 3))).clip(0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / f"{pid}_{camid}.png")
            lines.append(f"{split},{pid}_{camid}.png,{pid},{camid}")
    (folder / "dataset.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; what it prints."""

    def run(*words: str | Path) -> str:
        capsys.readouterr()
        cli.main([*map(str, words)])
        return capsys.readouterr().out

    return run


def test_evaluate_with_neighbours(runs: Path, people: ReidDataset, tmp_path: Path, say: Run) -> None:
    words = ("evaluate", runs / "long", "--data", people.root, "--out", tmp_path / "x.json")
    assert "cosine distance, re-ranked (k1 20, k2 6, λ 0.3, as paper), market1501 protocol" in say(*words, "--rerank")
    (entry,) = json.loads((tmp_path / "x.json").read_text())
    assert entry["scores"]["rerank"] == {"k1": 20, "k2": 6, "lambda_value": 0.3, "compat": "paper"}
    text = say(*words, "--expand-queries", "2", "--augment-gallery", "3", "--alpha", "1.5", "--multi-query")
    assert "queries of a person and camera pooled, gallery augmented by 3, queries expanded by 2 (α 1.5)" in text
    text = say(*words, "--camera-pairs")
    assert "gallery images of one camera alone" in text
    assert len(re.findall(r"│ [1-4] +│ [1-4] +│ +[\d.]+% │", text)) == 12
    (entry,) = json.loads((tmp_path / "x.json").read_text())
    assert entry["camera_pairs"][0]["mAP"] <= entry["camera_pairs"][-1]["mAP"]


def test_neighbours_take_the_cosine_distance(
    runs: Path, people: ReidDataset, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ("--expand-queries", "--augment-gallery"):
        with pytest.raises(SystemExit):
            words = ["evaluate", str(runs / "long"), "--data", str(people.root), "--distance", "euclidean", option, "3"]
            cli.main(words)
        assert "have length 1: add --distance cosine" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["evaluate", str(runs / "long"), "--data", str(people.root), "--alpha", "3"])
    assert "give --expand-queries or --augment-gallery too" in capsys.readouterr().err


def test_reranking_says_when_it_cannot_help(runs: Path, people: ReidDataset, say: Run) -> None:
    lines = (people.root / "dataset.csv").read_text().splitlines()
    gallery = {line.split(",")[2]: line for line in lines if line.startswith("gallery")}  # one for each person
    kept = [*(line for line in lines if not line.startswith("gallery")), *gallery.values()]
    file = people.root / "one_each.csv"
    file.write_text("\n".join(kept))
    text = say("evaluate", runs / "long", "--data", file, "--dataset", "csv", "--rerank")
    assert "everybody has one gallery image, so re-ranking has nothing to go by" in text


def test_calibrate_keeps_what_distances_mean(runs: Path, colours: Path, say: Run) -> None:
    text = say("calibrate", runs / "short", "--data", colours)
    assert "20 pairs of one person, 180 of two" in text
    assert re.search(r"│ 10\.000% +│ 0\.\d{4} +│ +[\d.]+% +│ [\d.]+% +│", text)
    assert "open set: 5 queries of people in the gallery, 5 of others" in text
    assert re.search(r"At a distance of 0\.\d{4} one person is [\d.]+% probable", text)
    found = Calibration.load(runs / "short" / "calibration.json")
    assert found.probability(0.0) > 0.5 > found.probability(0.5)
    assert found.points[0].true_match_rate > 0.5
    assert found.prior == 0.1
    assert "│ 5.000%  " in say("calibrate", runs / "short", "--data", colours, "--rates", "0.05", "0.2")
    assert [point.wanted for point in Calibration.load(runs / "short" / "calibration.json").points] == [0.05, 0.2]
    for name in ("distances.png", "roc.png"):
        with Image.open(runs / "short" / name) as picture:
            assert np.asarray(picture).std() > 5


def test_answers_carry_their_probability(runs: Path, colours: Path, say: Run) -> None:
    lists = []
    for calibrated in (False, True):
        (runs / "short" / "calibration.json").unlink(missing_ok=True)
        if calibrated:
            say("calibrate", runs / "short", "--data", colours)
        say("report", runs / "short", "--data", colours)
        with Image.open(runs / "short" / "report" / "ranked_lists.png") as picture:
            lists.append(np.asarray(picture))
    page = (runs / "short" / "report" / "index.html").read_text()
    assert "Per cent: the probability of the same person, calibrated on colours" in page
    assert lists[0].shape == lists[1].shape
    assert (lists[0] != lists[1]).any()


def test_calibrating_weights_takes_a_folder(
    runs: Path, colours: Path, tmp_path: Path, say: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = runs / "short" / "last.safetensors"
    with pytest.raises(SystemExit):
        cli.main(["calibrate", str(weights), "--data", str(colours)])
    assert "is no run to keep a calibration in: name a folder with --out" in capsys.readouterr().err
    say(
        "calibrate",
        weights,
        "--data",
        colours,
        "--out",
        tmp_path / "c",
        "--method",
        "isotonic",
        "--distance",
        "euclidean",
    )
    found = Calibration.load(tmp_path / "c" / "calibration.json")
    assert (found.method, found.distance) == ("isotonic", "euclidean")


def test_compare_finds_the_better_one(
    runs: Path, people: ReidDataset, say: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    text = say("compare", runs / "short", runs / "long", "--data", people.root)
    rows = re.findall(r"│ (\d) +│ ([\d.]+)%", text)
    assert [name for name, _ in rows] == ["1", "2"]
    assert f"1: osnet_x0_25 ({runs / 'short'}, epoch 1), 64×32" in text
    gain = re.search(r"mAP ([+-][\d.]+) points, 95 % interval", text)
    assert gain
    assert float(gain[1]) == pytest.approx(float(rows[1][1]) - float(rows[0][1]), abs=0.011)
    assert "most better, by average precision:\n  +" in text
    assert ".jpg" in text
    text = say("compare", runs / "long", runs / "long", "--data", people.root)
    assert "mAP +0.00 points, 95 % interval +0.00 to +0.00, which may be chance; 0 queries are better, 0 worse" in text
    with pytest.raises(SystemExit):
        cli.main(["compare", str(runs / "long"), str(runs / "gone"), "--data", str(people.root)])
    assert "there are no weights at" in capsys.readouterr().err
