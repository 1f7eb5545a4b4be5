"""A training shared by two processes, against one: the run that they write, and how they stop."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scalereid.data.records import ReidDataset
from scalereid.distributed import number
from scalereid.experiments.sharing import scored_here
from scalereid.experiments.training import resume, train
from scalereid.progress import Progress, Terminal
from scalereid.runs.checkpoint import load_model
from scalereid.runs.log import EpochLog
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run
from scalereid.training import loop
from scalereid.training.loop import Interrupted
from scalereid.training.state import TrainingState
from tests.conftest import TINY
from tests.together import together

SYNCHRONISED = replace(TINY, optimizer=replace(TINY.optimizer, sync_batch_norm=True))


def train_here(recipe: Recipe, data: Path, out: Path, stopped: bool = False) -> tuple[str, str]:
    """How a training ended, and what it printed; if `stopped`, the second process gets SIGTERM in its third step."""
    console = Terminal()
    if stopped and number() == 1:
        _signal_in_step(3)
    with console.capture() as printed:
        try:
            train(recipe, data=data, out=out, progress=Progress(console))
            ended = "done"
        except Interrupted:
            ended = "interrupted"
    return ended, printed.get()


def _signal_in_step(step: int) -> None:
    check, calls = loop._check_finite, 0

    def check_and_signal(state: TrainingState, rate: float) -> None:
        nonlocal calls
        calls += 1
        if calls == step - 1:
            os.kill(os.getpid(), signal.SIGTERM)
        check(state, rate)

    loop._check_finite = check_and_signal


def resume_here(folder: Path) -> str:
    resume(folder)
    return "done"


def close(one: list[EpochLog], other: list[EpochLog]) -> None:
    """Losses equal to the rounding of float32, which the batch norms of a new network make some thousand times larger."""
    assert [entry.epoch for entry in one] == [entry.epoch for entry in other]
    for left, right in zip(one, other, strict=True):
        torch.testing.assert_close(left.losses.get("total"), right.losses.get("total"), rtol=0.01, atol=0)


@pytest.fixture(scope="module")
def alone(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The training by one process."""
    return train(SYNCHRONISED, data=people.root, out=tmp_path_factory.mktemp("alone") / "run")


def test_two_processes_write_the_run_that_one_would(people: ReidDataset, alone: Run, tmp_path: Path) -> None:
    """The first prints and writes; both return when all is written."""
    out = tmp_path / "run"
    first, second = together(train_here, SYNCHRONISED, people.root, out)
    assert (first[0], second) == ("done", ("done", ""))
    assert first[1].count("epoch 2/2") == 1
    run = Run(out)
    assert {file.name for file in out.iterdir()} == {file.name for file in alone.folder.iterdir()}
    close(run.log(), alone.log())
    before, expected = run.log()[0].scores, alone.log()[0].scores
    assert before is not None
    assert expected is not None
    assert before.to_json() == expected.to_json()
    assert run.log()[-1].scores is not None
    assert run.recipe() == alone.recipe()
    assert run.environments()[0].processes == 2
    load_model(run.folder)


@pytest.mark.slow
def test_a_signal_to_one_process_stops_all_and_one_goes_on(people: ReidDataset, alone: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    stopped = together(train_here, SYNCHRONISED, people.root, out, True)
    assert [ended for ended, _ in stopped] == ["interrupted", "interrupted"]
    assert [entry.epoch for entry in Run(out).log()] == [0]
    shutil.copytree(out, tmp_path / "copy")
    said: list[str] = []
    progress = Progress(Terminal(quiet=True))
    progress.say = said.append  # type: ignore[assignment, method-assign]
    close(resume(out, progress=progress).log(), alone.log())
    assert any("processes is 1, was 2" in line for line in said)
    assert any("after epoch 0, step 3" in line for line in said)
    assert together(resume_here, tmp_path / "copy", processes=4) == ["done"] * 4
    close(Run(tmp_path / "copy").log(), alone.log())


def test_a_batch_that_cannot_be_shared_is_refused(people: ReidDataset, tmp_path: Path) -> None:
    odd = replace(TINY, data=replace(TINY.data, batch_size=15))
    with pytest.raises(ValueError, match="data.batch_size is 15, and 2 processes .* a multiple of 2, and at least 4"):
        together(train_here, odd, people.root, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_one_process_scores_everything(people: ReidDataset) -> None:
    assert scored_here(people) is people
