import json
import re
from pathlib import Path

from scalereid.data.records import ReidDataset
from scalereid.models.building import build_model
from scalereid.models.genotype import AIN
from scalereid.recipes import RECIPES
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.run import Run
from tests.cli.conftest import ONE_STREAM, SMALL, Answer, Fail, Say


def test_train_and_report_what_is_next(people: ReidDataset, tmp_path: Path, say: Say, fail: Fail) -> None:
    words = ("train", "toy", "--data", people.root, "--out", tmp_path / "run", *SMALL, *ONE_STREAM)
    text = say(*words, "--seed", "7", "--tensorboard")
    recipe = Run(tmp_path / "run").recipe()
    assert recipe.seed == 7
    assert recipe.data.image_size == (64, 32)
    assert recipe.optimizer == RECIPES["toy"].optimizer  # what was not changed is the recipe's
    assert "epoch 1/1: loss" in text
    assert re.search(r"training: 64 images in [\d.]+ s, \d+ a second", text)
    assert re.search(rf"done: {tmp_path}/run\. Next:  \S+ report {tmp_path}/run --data {people.root}\n$", text)
    assert [*(tmp_path / "run").glob("events.out.tfevents*")]
    assert "exists; choose another name, or move it away" in fail(*words)


def test_a_program_gets_the_last_line_of_the_log(people: ReidDataset, tmp_path: Path, answer: Answer) -> None:
    run = tmp_path / "run"
    found = answer("train", "toy", "--data", people.root, "--out", run, *SMALL, *ONE_STREAM)
    assert found["run"] == str(run)
    assert found["log"] == json.loads((run / "log.jsonl").read_text().splitlines()[-1])
    assert answer("train", "--resume", run) == found  # finished: nothing is left to do


def test_a_genotype_of_a_file(people: ReidDataset, tmp_path: Path, say: Say, fail: Fail) -> None:
    words = ("train", "toy", "--data", people.root, "--out", tmp_path / "run", *SMALL, *ONE_STREAM)
    assert "gone.json" in fail(*words, "--genotype", tmp_path / "gone.json")
    AIN.save(tmp_path / "genotype.json")
    say(*words, "--genotype", tmp_path / "genotype.json")
    assert Run(tmp_path / "run").recipe().model.genotype == (AIN.stem, *AIN.placements)
    dense = (*words[:5], tmp_path / "dense", *SMALL, "--model.backbone", "dslnet", "--model.width", "0.1")
    say(*dense, "--genotype", tmp_path / "genotype.json")
    model = load_checkpoint(tmp_path / "dense").model
    assert [*model.state_dict()] == [*build_model("dslnet_ain", width=0.1).state_dict()]


def test_what_is_next_asks_to_run_code_for_a_backbone_alone(people: ReidDataset, tmp_path: Path, say: Say) -> None:
    (tmp_path / "own.py").write_text(
        "from scalereid.models import BACKBONES\n"
        "from scalereid.training.terms.term import Term\n\n"
        "def net():\n"
        "    return BACKBONES['osnet_one_stream'](width=0.25)\n\n"
        "class Nothing(Term):\n"
        "    def __init__(self, sizes):\n"
        "        super().__init__()\n"
        "    def forward(self, outputs):\n"
        "        return outputs.embeddings.sum() * 0, {}\n"
    )
    for option, name, code in (("--model.backbone", "net", " --run-code"), ("--objective.term", "Nothing", "")):
        run = tmp_path / name
        words = ("train", "toy", "--data", people.root, "--out", run, *SMALL)
        network = ONE_STREAM if option != "--model.backbone" else []
        said = say(*words, *network, option, tmp_path / f"own.py:{name}")
        assert said.endswith(f"report {run} --data {people.root}{code}\n")


def test_a_finished_run_is_extended(people: ReidDataset, tmp_path: Path, say: Say) -> None:
    run = tmp_path / "run"
    words = ("train", "toy", "--data", people.root, "--out", run, *SMALL, *ONE_STREAM)
    say(*words, "--schedule.decay", "constant")
    text = say("train", "--resume", run, "--schedule.epochs", "2")
    assert f"{run} is extended from 1 to 2 epochs" in text
    assert "epoch 2/2: loss" in text
    assert Run(run).recipe().schedule.epochs == 2


def test_a_run_that_cannot_be_extended(runs: Path, fail: Fail) -> None:
    text = fail("train", "--resume", runs / "short", "--schedule.epochs", "2")
    assert "cannot be extended from 1 to 2 epochs: schedule.decay is cosine" in text
    assert "scalereid train RECIPE --data FOLDER --out FOLDER --model.initial-weights RUN" in text
