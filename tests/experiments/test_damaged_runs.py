"""Going on with a run that is not as it was: what is whole is never overwritten, what is damaged is named."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from scalereid.data.records import ReidDataset
from scalereid.experiments.rows import Row
from scalereid.experiments.study import Study, run_study
from scalereid.experiments.training import resume, train
from scalereid.progress import Progress
from scalereid.runs.recipe import ScheduleSettings
from scalereid.runs.run import Run
from tests.conftest import TINY

Damage = Callable[[Run], object]
THREE = replace(TINY, schedule=ScheduleSettings(epochs=3, decay="constant"))


@pytest.fixture(scope="module")
def three(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of three epochs; its state after the first is in `first.safetensors` beside it."""
    folder = tmp_path_factory.mktemp("three")
    train(replace(THREE, schedule=replace(THREE.schedule, epochs=1)), data=people.root, out=folder / "run")
    shutil.copy(folder / "run" / "resume.safetensors", folder / "first.safetensors")
    return resume(folder / "run", epochs=3)


@pytest.fixture
def copy(three: Run, tmp_path: Path) -> Run:
    shutil.copy(three.folder.parent / "first.safetensors", tmp_path)
    return Run(Path(shutil.copytree(three.folder, tmp_path / "run")))


def contents(run: Run) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(run.folder.iterdir())}


def without_state(run: Run) -> None:
    run.state.unlink()


def set_values(file: Path, change: Callable[[dict[str, dict[str, object]]], object]) -> None:
    """Change what a state file says beside its tensors."""
    with safe_open(file, "pt") as opened:
        metadata = opened.metadata()
    values = json.loads(metadata["values"])
    change(values)
    save_file(load_file(file), file, metadata | {"values": json.dumps(values)})


def counters(**changes: object) -> Damage:
    return lambda run: set_values(run.state, lambda values: values["counters"].update(changes))


def line(number: int, text: str) -> Damage:
    def damage(run: Run) -> None:
        lines = run.log_file.read_text().splitlines()
        lines[number] = text
        run.log_file.write_text("\n".join(lines) + "\n")

    return damage


def both(*damages: Damage) -> Damage:
    return lambda run: [damage(run) for damage in damages]


REFUSED: dict[str, tuple[Damage, str]] = {
    "no state": (
        without_state,
        "resume.safetensors does not exist, without which the training of 3 epochs .* overwritten",
    ),
    "no state and no log": (both(without_state, lambda run: run.log_file.unlink()), "the training of 3 epochs"),
    "only weights": (
        both(without_state, lambda run: run.log_file.unlink(), lambda run: run.best.unlink()),
        "the training of 3 epochs",
    ),
    "only a log": (
        both(without_state, lambda run: run.last.unlink(), lambda run: run.best.unlink()),
        "the training of 3 epochs",
    ),
    "an older state": (
        lambda run: shutil.copy(run.folder.parent / "first.safetensors", run.state),
        r"resume\.safetensors is of epoch 1, but the log and the weights beside it are of epoch 3",
    ),
    "a cut state": (lambda run: run.state.write_bytes(run.state.read_bytes()[:9000]), "resume.safetensors is damaged"),
    "weights for a state": (lambda run: shutil.copy(run.last, run.state), "is not a training state"),
    "a state beyond the end": (counters(epoch=9), "is of epoch 9, but the recipe has 4 epochs"),
    "an epoch that is no number": (counters(epoch="two"), "counters does not fit: epoch is 'two'"),
    "a negative step": (counters(epoch=2, step=-1), "step is -1"),
    "a step beyond the epoch": (counters(epoch=2, step=99), "is of step 99 of an epoch that has 4 steps"),
    "no random state": (
        lambda run: set_values(run.state, lambda values: values["random"].clear()),
        "random does not fit: 'python' is missing",
    ),
    "no counters": (
        lambda run: set_values(run.state, lambda values: values["counters"].clear()),
        "counters does not fit: 'epoch' is missing",
    ),
    "a part that is a list": (
        lambda run: set_values(run.state, lambda values: values.update(scaler=[])),  # type: ignore[call-overload]
        r"resume\.safetensors is damaged: values\.scaler is \[\], not a group",
    ),
    "a log line of another kind": (line(1, '{"epoch": "one"}'), r"log\.jsonl, line 2 .*: log\.epoch is 'one', not int"),
    "a log line in the middle, cut": (line(1, '{"epoch": '), r"log\.jsonl, line 2 is damaged"),
    "a log nested too deep": (line(1, "[" * 100_000), r"log\.jsonl, line 2 .*: its values are nested too deep"),
    "a recipe that is a list": (lambda run: run.recipe_file.write_text("[]"), r"recipe\.json.*recipe is \[\]"),
    "a recipe that is not JSON": (lambda run: run.recipe_file.write_text("{"), r"recipe\.json is damaged"),
    "a dataset that is not there": (lambda run: (run.folder / "dataset.json").unlink(), r"dataset\.json"),
    "a dataset without a source": (
        lambda run: (run.folder / "dataset.json").write_text('{"data": "x"}'),
        r"dataset\.json is damaged, .*: dataset\.source is missing",
    ),
    "an environment of nothing": (
        lambda run: (run.folder / "environment.json").write_text("[]"),
        r"environment\.json is damaged, .*: it is empty",
    ),
    "an environment with a number": (
        lambda run: (run.folder / "environment.json").write_text("[3]"),
        r"environment\.json is damaged, .*: environment\[0\] is 3",
    ),
    "a history that is text": (
        lambda run: run.history.write_text('"x"'),
        r"history\.json is damaged, .*: history is 'x'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_belong_together_is_named_and_nothing_is_written(case: str, copy: Run) -> None:
    damage, message = REFUSED[case]
    damage(copy)
    before = contents(copy)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        resume(copy.folder, epochs=4)
    assert contents(copy) == before


def test_a_study_does_not_begin_again_what_is_trained(people: ReidDataset, copy: Run, tmp_path: Path) -> None:
    """Though nothing but the weights is left."""
    study = Study(rows={"row": Row(THREE)}, seeds=(0,))
    (run,) = study.runs()
    folder = tmp_path / "study" / run.name
    folder.parent.mkdir(parents=True)
    shutil.move(copy.folder, folder)
    there = Run(folder)
    there.log_file.unlink()
    there.state.unlink()
    before = contents(there)
    table = run_study(study, data=people.root, out=tmp_path / "study")
    assert "would be overwritten" in table.failed[run.name]
    assert contents(there) == before


class Said(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def test_a_cut_last_line_comes_back_from_the_weights(copy: Run) -> None:
    whole = copy.log_file.read_bytes()
    copy.log_file.write_bytes(whole[:-40])
    said = Said()
    resume(copy.folder, progress=said)
    assert f"{copy.log_file}: line 4, the last, was cut off and is dropped" in said.lines
    assert copy.log_file.read_bytes() == whole


def test_a_cut_last_line_is_dropped_before_training_goes_on(copy: Run) -> None:
    """Where the epoch was not finished: here three of four epochs are."""
    copy.log_file.write_bytes(copy.log_file.read_bytes() + b'{"epoch": 4, "sec')
    said = Said()
    resume(copy.folder, epochs=4, progress=said)
    dropped = said.lines.index(f"{copy.log_file}: line 5, the last, was cut off and is dropped")
    assert dropped < next(i for i, text in enumerate(said.lines) if text.startswith("epoch 4/4"))
    assert [entry.epoch for entry in copy.log()] == [0, 1, 2, 3, 4]
