import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from scalereid import cli
from scalereid.data import DATASETS, toy
from scalereid.data.records import ReidDataset
from scalereid.models import BACKBONES
from scalereid.models.genotype import Genotype
from scalereid.recipes import RECIPES
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run

COMMANDS = [
    "demo",
    "train",
    "nas",
    "leave-one-out",
    "train-splits",
    "evaluate",
    "compare",
    "calibrate",
    "report",
    "embed",
    "export",
    "quantize",
    "models",
    "recipes",
    "datasets",
    "data check",
    "data unpack",
]
SMALL = ["--data.dataset", "csv", "--data.image-size", "64", "32", "--data.batch-size", "16", "--schedule.epochs", "1"]


@pytest.mark.parametrize("command", [[], *[name.split() for name in COMMANDS]])
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*command, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert all(name in text for name in command or COMMANDS)


@pytest.mark.parametrize("words", [["data"], ["data", "--help"]])
def test_the_first_of_two_words_alone_lists_the_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 0
    assert "data check" in capsys.readouterr().out


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code not in (0, None)
    captured = capsys.readouterr()
    return captured.err + captured.out


def test_mistakes_get_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    some = ["--data", str(tmp_path), "--out", str(tmp_path / "x")]
    assert "there is no recipe 'nope'; `scalereid recipes` lists them" in fails(["train", "nope", *some], capsys)
    assert "perhaps osnet_market1501" in fails(["train", "osnet_market1502", *some], capsys)
    assert "--data FOLDER --out runs/NAME" in fails(["train", "toy"], capsys)
    assert "name a recipe, or a run to go on with: --resume RUN" in fails(["train"], capsys)
    assert "searches nothing: scalereid train toy" in fails(["nas", "toy", *some], capsys)
    assert "searches for a network: scalereid nas nas_toy" in fails(["train", "nas_toy", *some], capsys)
    assert "there is no genotype at" in fails(["train", "toy", *some, "--genotype", "gone.json"], capsys)
    assert "epochs is 0; it must be at least 1" in fails(
        ["train", "osnet_market1501", *some, "--schedule.epochs", "0"], capsys
    )
    assert "is not a run" in fails(["report", str(tmp_path), "--data", str(tmp_path)], capsys)
    assert "Perhaps you meant" in fails(["train", "toy", *some, "--optimizer.lrr", "1"], capsys)
    assert "no Market-1501" in fails(["train", "osnet_market1501", *some], capsys)
    assert "there are no weights at" in fails(["evaluate", str(tmp_path / "gone"), "--data", str(tmp_path)], capsys)
    assert "is not a run" in fails(["train", "--resume", str(tmp_path)], capsys)
    assert "name nothing else but --data" in fails(["train", "toy", "--resume", str(tmp_path)], capsys)
    assert "device 'cuda:99' cannot be used" in fails(["train", "toy", *some, "--device", "cuda:99"], capsys)


def test_the_recipe_is_the_positional_word_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained: list[Recipe] = []

    def train(recipe: Recipe, **_: object) -> None:
        trained.append(recipe)
        raise ValueError("far enough")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scalereid.experiments.training.train", train)
    monkeypatch.setattr("scalereid.cli.terminal.draw_toy_once", lambda *_: None)
    for words in (
        "train osnet_market1501 --data toy --out x",
        "train --data toy osnet_market1501 --out x",
        "train --out toy --data d osnet_market1501",
        "train --data d --out x osnet_market1501",
    ):
        assert "far enough" in fails(words.split(), capsys)
    assert trained == [RECIPES["osnet_market1501"]] * 4
    words = "train --data.dataset toy osnet_market1501 --data d --out x --seed 3"
    assert "far enough" in fails(words.split(), capsys)
    expected = RECIPES["osnet_market1501"]
    assert trained[-1] == replace(expected, data=replace(expected.data, dataset="toy"), seed=3)
    assert "is not a run" in fails(["train", "--resume", str(tmp_path / "toy")], capsys)
    assert "toy is not a run" in fails(["train", "--resume", "toy"], capsys)


def test_tables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    some = ("osnet_x1_0", "osnet_x0_25", "dslnet")  # counting all takes seconds
    monkeypatch.setattr("scalereid.cli.tables.BACKBONES", {name: BACKBONES[name] for name in some})
    cli.main(["models"])
    text = capsys.readouterr().out
    assert re.search(r"osnet_x1_0 .*2,169,508 .*978\.88 M", text)
    assert re.search(r"osnet_x0_25 .*201,864 .*82\.31 M", text)
    cli.main(["recipes"])
    text = capsys.readouterr().out
    assert all(name in text for name in RECIPES)
    assert re.search(r"dslnet_market1501_etrihard +95\.1 / 87\.3 +cosine", text)
    assert "The text swaps the learning rates" in text
    assert "There is no reader for" not in text
    monkeypatch.delitem(DATASETS, "cuhk03-np-detected")
    cli.main(["recipes"])
    assert "There is no reader for cuhk03-np-detected here yet." in capsys.readouterr().out
    cli.main(["recipes", "dslnet", "cuhk03"])
    text = capsys.readouterr().out
    assert "dslnet_not_dense_cuhk03" in text
    assert "osnet_cuhk03" not in text
    assert "no recipe has x and y in its name" in fails(["recipes", "x", "y"], capsys)
    cli.main(["datasets"])
    assert "market1501-dev" in capsys.readouterr().out
    cli.main(["--version"])
    assert re.fullmatch(r"scalereid \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_train_evaluate_report(people: ReidDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = ["--data", str(people.root)], str(tmp_path / "run")
    cli.main(["train", "toy", *data, "--out", run, *SMALL, "--seed", "7"])
    recipe = Recipe.from_json(json.loads((tmp_path / "run" / "recipe.json").read_text()))
    assert recipe.seed == 7
    assert recipe.data.image_size == (64, 32)
    assert recipe.optimizer == RECIPES["toy"].optimizer  # what was not changed is the recipe's
    text = capsys.readouterr().out
    assert "epoch 1/1: loss" in text
    assert re.search(r"training: 64 images in [\d.]+ s, \d+ a second", text)

    cli.main(["evaluate", run, *data, "--distance", "euclidean", "--flip", "--out", str(tmp_path / "scores.json")])
    assert "16 queries, 32 gallery images; euclidean distance" in capsys.readouterr().out
    (scores,) = json.loads((tmp_path / "scores.json").read_text())
    assert scores["flip"] is True
    assert scores["scores"]["distance"] == "euclidean"

    cli.main(["report", run, *data])
    report = tmp_path / "run" / "report"
    assert {"index.html", "curve.png", "ranked_lists.png"} <= {path.name for path in report.iterdir()}
    assert "Look at it" in capsys.readouterr().out
    assert "exists; name another folder" in fails(["train", "toy", *data, "--out", run, *SMALL], capsys)


def demo(capsys: pytest.CaptureFixture[str]) -> list[float]:
    """Run the command; the mAPs that it prints, of the untrained and the trained network, in per cent."""
    cli.main(["demo"])
    return [float(found) for found in re.findall(r"trained network: +mAP ([\d.]+)%", capsys.readouterr().out)]


def test_demo_needs_nothing_and_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real command, on fewer people for a shorter time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(toy.TOY_SETS, "toy", toy.TOY_SETS["toy"]._replace(train_people=8, test_people=4))
    recipe = RECIPES["toy"]
    monkeypatch.setitem(RECIPES, "toy", replace(recipe, schedule=replace(recipe.schedule, epochs=2)))
    printed = demo(capsys)
    log = Run(Path("runs/demo")).epochs()
    assert printed == [round(100 * log[i]["scores"]["mAP"], 2) for i in (0, -1)]
    assert demo(capsys) == printed
    assert Path("runs/demo-2/report/index.html").is_file()
    assert len(list(Path("data").iterdir())) == 1  # drawn once


@pytest.mark.slow
def test_demo_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    untrained, trained = demo(capsys)
    assert untrained < 10
    assert trained > 50


def test_search_and_train_what_it_found(
    people: ReidDataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, search = ["--data", str(people.root)], str(tmp_path / "search")
    small = [*SMALL, "--model.width", "0.2"]
    cli.main(["nas", "nas_toy", *data, "--out", search, *small])
    text = capsys.readouterr().out
    assert re.search(r"found, from the first block to the last: ((none|inside|outside|both) ?){6}\n", text)
    assert f"--genotype {search}/genotype.json" in text
    with Image.open(tmp_path / "search" / "search.png") as picture:
        assert picture.width > 1000
    genotype = ["--genotype", f"{search}/genotype.json"]
    cli.main(["train", "toy", *data, "--out", str(tmp_path / "child"), *small, *genotype])
    found = Genotype.load(tmp_path / "search" / "genotype.json")
    assert Run(tmp_path / "child").recipe().model.genotype == (found.stem, *found.placements)
    assert "name nothing else" in fails(["train", "--resume", str(tmp_path / "child"), *genotype], capsys)
    assert "scalereid nas --resume" in fails(["train", "--resume", search], capsys)
