import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from scalereid import cli, experiment, generalisation
from scalereid.data.toy import draw_toy
from scalereid.evaluation import evaluate
from scalereid.progress import Progress
from scalereid.recipe import Recipe

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
    assert recorded["counts"]["train"] == {"people": 4, "images": 48, "cameras": 8}
    assert recorded["target"]["name"] == "c"
    again = evaluate(run.folder, data=places, progress=QUIET)  # on the target, unless told
    assert again.dataset.name == "c"
    assert again.scores.mAP == run.epochs()[-1]["scores"]["mAP"]
    assert evaluate(run.folder, data=places, dataset="csv@b", progress=QUIET).dataset.name == "b"


def test_every_dataset_is_left_out_once_and_a_series_goes_on(
    places: Path, tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def series(recipe: Recipe = tiny) -> dict[str, float]:
        runs = generalisation.leave_one_out(recipe, PLACES, data=places, out=tmp_path, progress=QUIET)
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
        series()
    assert trained == ["csv@b+csv@c", "csv@a+csv@c", "csv@a+csv@b"]
    scores = series()
    assert list(scores) == list(PLACES)
    assert trained[3:] == ["csv@a+csv@b"]  # the finished ones are left as they are
    assert series() == scores
    with pytest.raises(ValueError, match="is a run of another recipe"):
        series(replace(tiny, seed=5))


def test_what_cannot_be_left_out(tiny: Recipe, places: Path, tmp_path: Path) -> None:
    (places / "d").mkdir()
    (places / "d" / "dataset.csv").write_text("split,path,pid,camid\n")
    with pytest.raises(ValueError, match="csv@d lacks training, query or gallery images"):
        generalisation.leave_one_out(tiny, ("csv@a", "csv@d"), data=places, out=tmp_path, progress=QUIET)
    for datasets in ((), ("csv",), ("csv", "csv")):
        with pytest.raises(ValueError, match="two or more different datasets"):
            generalisation.leave_one_out(tiny, datasets, data=tmp_path, out=tmp_path, progress=QUIET)


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
    assert re.search(r"│ b +│.*\n│ c +│", text)
    assert [entry["dataset"]["name"] for entry in json.loads(scores.read_text())] == ["b", "c"]
