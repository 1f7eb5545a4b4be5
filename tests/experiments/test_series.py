import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from scalereid import cli
from scalereid.data import DATASETS
from scalereid.data.readers import SPLITS
from scalereid.data.readers.table import read_csv
from scalereid.data.records import ReidDataset
from scalereid.data.toy import draw_toy
from scalereid.experiments import series
from scalereid.experiments import training as experiment
from scalereid.experiments.evaluation import evaluate
from scalereid.progress import Progress
from scalereid.runs.recipe import Recipe

QUIET = Progress(Console(quiet=True))
PLACES = ("csv@a", "csv@b", "csv@c")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("places")
    for seed, name in enumerate("abc"):
        draw_toy(root / name, train_people=2, test_people=2, seed=seed)
    return root


def test_training_on_several_and_scored_on_another(places: Path, tiny: Recipe, tmp_path: Path) -> None:
    recipe = replace(
        tiny,
        data=replace(tiny.data, dataset="csv@a+csv@b"),
        evaluation=replace(tiny.evaluation, dataset="csv@c"),
    )
    run = experiment.train(recipe, data=places, out=tmp_path / "x", progress=QUIET)
    recorded = run.dataset()
    assert recorded["counts"]["train"] == {"people": 4, "images": 48, "cameras": 8, "tracklets": 0}
    assert recorded["target"]["name"] == "c"
    again = evaluate(run.folder, data=places, progress=QUIET)  # on the target, unless told
    assert again.dataset.name == "c"
    assert again.scores.mAP == run.epochs()[-1]["scores"]["mAP"]
    assert evaluate(run.folder, data=places, dataset="csv@b", progress=QUIET).dataset.name == "b"


def test_every_dataset_is_left_out_once_and_a_series_goes_on(
    places: Path, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave_out(recipe: Recipe = tiny) -> dict[str, float]:
        runs = series.leave_one_out(recipe, PLACES, data=places, out=tmp_path, progress=QUIET)
        return {name: run.epochs()[-1]["scores"]["mAP"] for name, run in runs.items()}

    trained: list[str] = []
    train: Callable[..., object] = experiment.train

    def stop_at_the_third(recipe: Recipe, **options: object) -> object:
        trained.append(recipe.data.dataset)
        if len(trained) == 3:
            raise KeyboardInterrupt
        return train(recipe, **options)

    monkeypatch.setattr(experiment, "train", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        leave_out()
    assert trained == ["csv@b+csv@c", "csv@a+csv@c", "csv@a+csv@b"]
    scores = leave_out()
    assert list(scores) == list(PLACES)
    assert trained[3:] == ["csv@a+csv@b"]  # the finished ones are left as they are
    assert leave_out() == scores
    with pytest.raises(ValueError, match="is a run of another recipe"):
        leave_out(replace(tiny, seed=5))


def test_what_cannot_be_left_out(tiny: Recipe, places: Path, tmp_path: Path) -> None:
    (places / "d").mkdir()
    (places / "d" / "dataset.csv").write_text("split,path,pid,camid\n")
    with pytest.raises(ValueError, match="csv@d lacks training, query or gallery images"):
        series.leave_one_out(tiny, ("csv@a", "csv@d"), data=places, out=tmp_path, progress=QUIET)
    for datasets in ((), ("csv",), ("csv", "csv")):
        with pytest.raises(ValueError, match="two or more different datasets"):
            series.leave_one_out(tiny, datasets, data=tmp_path, out=tmp_path, progress=QUIET)


@pytest.fixture
def halves(monkeypatch: pytest.MonkeyPatch, people: ReidDataset) -> Path:
    """The drawn people as a dataset of two splits."""

    def read_halves(root: Path, split: int = 1) -> ReidDataset:
        """Drawn people in two ways."""
        whole = read_csv(root)
        keep = {r.pid for r in whole.query if r.pid % 2 == split % 2}
        query, gallery = (tuple(r for r in side if r.pid in keep) for side in (whole.query, whole.gallery))
        return replace(whole, name=f"halves#{split}", query=query, gallery=gallery)

    monkeypatch.setitem(DATASETS, "halves", read_halves)
    monkeypatch.setitem(SPLITS, "halves", 2)
    return people.root


def test_splits_are_trained_on_and_averaged(
    halves: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = ["--data.image-size", "64", "32", "--data.batch-size", "16", "--schedule.epochs", "1"]
    words = ["--data", str(halves), "--out", str(tmp_path / "x"), "--data.dataset", "halves", *small]
    cli.main(["train-splits", "toy", *words])
    table = re.findall(r"│ (halves[^│]*?) +│ ([\d.]+)% ", capsys.readouterr().out)
    assert [name for name, _ in table] == ["halves#1", "halves#2", "halves, 2 splits"]
    values = [float(value) for _, value in table]
    assert values[2] == pytest.approx((values[0] + values[1]) / 2, abs=0.011)
    monkeypatch.setattr(experiment, "train", None)
    cli.main(["train-splits", "toy", *words])  # nothing is trained again
    assert re.findall(r"│ (halves[^│]*?) +│ ([\d.]+)% ", capsys.readouterr().out) == table

    run, scores = str(tmp_path / "x" / "halves#1"), tmp_path / "scores.json"
    cli.main(["evaluate", run, "--data", str(halves), "--dataset", "halves", "--out", str(scores)])
    text = capsys.readouterr().out
    assert "halves, 2 splits" in text
    entries = json.loads(scores.read_text())
    assert [entry["dataset"]["name"] for entry in entries] == ["halves#1", "halves#2", "halves"]
    means = [entry["scores"]["mAP"] for entry in entries]
    assert means[2] == pytest.approx((means[0] + means[1]) / 2)
    assert entries[2]["scores"]["splits"] == 2
    with pytest.raises(ValueError, match="halves has 2 splits; name one of them, like halves#1"):
        evaluate(run, data=halves, dataset="halves", progress=QUIET)


def test_what_has_no_splits(halves: Path, tiny: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="csv has no several splits .*; those that have: .*viper"):
        series.train_splits(tiny, data=halves, out=tmp_path, progress=QUIET)
    several = replace(tiny, data=replace(tiny.data, dataset="halves"))
    with pytest.raises(ValueError, match="name one of halves#1 to halves#2; `scalereid train-splits` trains on each"):
        experiment.train(several, data=halves, out=tmp_path / "x", progress=QUIET)
    one = replace(tiny, data=replace(tiny.data, dataset="csv#1"))
    with pytest.raises(ValueError, match="csv has one split only; leave #1 out"):
        experiment.train(one, data=halves, out=tmp_path / "x", progress=QUIET)


def test_commands(places: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--data.image-size", "64", "32", "--data.batch-size", "16", "--schedule.epochs", "1"]
    words = ["--datasets", "csv@a", "csv@b", "--data", str(places), "--out", str(tmp_path / "unseen"), *small]
    cli.main(["leave-one-out", "toy", *words])
    text = capsys.readouterr().out
    assert re.search(r"csv@a .*\d\d?\.\d\d%.*\n.*csv@b .*%", text)
    run = str(tmp_path / "unseen" / "csv@a")
    scores = tmp_path / "scores.json"
    cli.main(["evaluate", run, "--data", str(places), "--dataset", "csv@b", "csv@c", "--out", str(scores)])
    text = capsys.readouterr().out
    assert re.search(r"│ csv@b +│.*\n│ csv@c +│", text)
    assert [entry["dataset"]["name"] for entry in json.loads(scores.read_text())] == ["b", "c"]
