from pathlib import Path

import pytest

from scalereid.cli.errors import Stopped
from scalereid.cli.starting import require_new_run, resumable
from scalereid.training.loop import Interrupted
from tests.cli.conftest import Fail


def test_a_stop_is_told_with_the_command_that_goes_on() -> None:
    with pytest.raises(Stopped, match="nas --resume 'runs/a b'$"), resumable("nas"):
        raise Interrupted(Path("runs/a b"))


@pytest.mark.usefixtures("second_of_two")
def test_several_processes_go_on_as_several() -> None:
    go_on = "^torchrun --nproc-per-node 2 -m scalereid train --resume runs/x$"
    with pytest.raises(Stopped, match=go_on), resumable("train"):
        raise Interrupted(Path("runs/x"))


@pytest.mark.usefixtures("second_of_two")
def test_a_new_run_is_made_by_the_first_process_alone(tmp_path: Path) -> None:
    (tmp_path / "made by it").touch()
    require_new_run(tmp_path)


def test_a_recipe_goes_to_the_command_that_is_made_for_it(tmp_path: Path, fail: Fail) -> None:
    new = ("--data", tmp_path, "--out", tmp_path / "x")
    assert "searches nothing: scalereid train toy" in fail("nas", "toy", *new)
    assert "searches for an architecture: scalereid nas nas_toy" in fail("train", "nas_toy", *new)
    assert "searches for an architecture: scalereid nas nas_dslnet_toy" in fail("train", "nas_dslnet_toy", *new)


def test_what_cannot_work_is_said_before_people_are_drawn(tmp_path: Path, fail: Fail) -> None:
    new = ("--data", tmp_path, "--out", tmp_path / "x")
    assert "Device 'cuda:99' is not available" in fail("train", "toy", *new, "--device", "cuda:99")
    assert "is not a run" in fail("train", "--resume", tmp_path)
    assert "Market-1501 was not found" in fail("train", "osnet_market1501", *new)
    assert "seed is -1; it must be" in fail("train", "toy", *new, "--seed", "-1")
    assert "optimizer.lr is nan" in fail("train", "toy", *new, "--optimizer.lr", "nan")
    assert "No weights at gone.pth" in fail("train", "toy", *new, "--model.initial-weights", "gone.pth")
    assert not any(tmp_path.iterdir())


def test_the_dataset_of_a_stopped_run_may_have_moved(runs: Path, tmp_path: Path, fail: Fail) -> None:
    assert "dataset.csv does not exist" in fail("train", "--resume", runs / "short", "--data", tmp_path)
