import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scalereid.data.records import Counts
from scalereid.process import Environment, environment
from scalereid.runs.facts import DatasetFacts, RunDatasets
from scalereid.runs.log import EpochLog
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run, create_run, note_environment

FACTS = DatasetFacts("toy", "/data", {"train": Counts(2, 4, 1)}, {"junk": 1}, "market1501", "0123456789ab")
DATASETS = RunDatasets("/data", FACTS, replace(FACTS, name="toy-shifted"))


@pytest.fixture
def here() -> Environment:
    return environment(torch.device("cpu"))


def test_a_new_run_says_what_it_is(tmp_path: Path, here: Environment) -> None:
    run = create_run(tmp_path / "deep" / "x", Recipe(seed=4), DATASETS, here)
    assert run.recipe() == Recipe(seed=4)
    assert run.dataset() == DATASETS
    assert json.loads((run.folder / "environment.json").read_text()) == [here.to_json()]
    assert run.log() == []
    assert [path.name for path in tmp_path.rglob("*") if path.name.startswith(".")] == []


def test_existing_runs_are_never_overwritten(tmp_path: Path, here: Environment) -> None:
    create_run(tmp_path / "x", Recipe(), DATASETS, here)
    with pytest.raises(FileExistsError, match=r"x exists; choose another name, or move it away"):
        create_run(tmp_path / "x", Recipe(), DATASETS, here)
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        create_run(tmp_path / "file", Recipe(), DATASETS, here)
    (tmp_path / "empty").mkdir()
    create_run(tmp_path / "empty", Recipe(), DATASETS, here)


def test_a_folder_that_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"is not a run: recipe\.json is missing"):
        Run(tmp_path).recipe()


def test_the_log_keeps_one_entry_per_epoch(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for epoch in (0, 1, 2, 3):
        run.append(EpochLog(epoch, losses={"total": epoch / 10}))
    run.append(EpochLog(2, losses={"total": 7.0}))  # a resumed run repeats epoch 2
    assert [(entry.epoch, entry.losses["total"]) for entry in run.log()] == [(0, 0.0), (1, 0.1), (2, 7.0)]


def test_every_file_has_a_name_of_its_own(tmp_path: Path) -> None:
    run = Run(tmp_path)
    files = [run.last, run.best, run.state, run.log_file, run.per_query, run.genotype, run.calibration, run.int8]
    assert len(set(files)) == len(files)
    assert {file.parent for file in files} == {tmp_path}
    assert run.per_query_on("csv@a/b#2") == tmp_path / "per_query.csv@a-b#2.npz"


def test_damaged_files_are_named(tmp_path: Path, here: Environment) -> None:
    run = create_run(tmp_path / "x", Recipe(), DATASETS, here)
    (run.folder / "recipe.json").write_text('{"seed": ')
    with pytest.raises(ValueError, match=r"recipe\.json.* is damaged"):
        run.recipe()
    (run.folder / "recipe.json").write_text('{"sed": 3}')
    with pytest.raises(ValueError, match=r"recipe\.json: .*sed"):
        run.recipe()
    (run.folder / "dataset.json").write_text('{"name": "toy", "fingerprint": "x"}')  # as it was once written
    with pytest.raises(
        ValueError,
        match=r"dataset\.json is damaged, or was written by another version of scalereid: dataset has no fingerprint, name",
    ):
        run.dataset()


def test_a_resumed_run_notes_where(tmp_path: Path, here: Environment) -> None:
    run = create_run(tmp_path / "x", Recipe(), DATASETS, here)
    assert note_environment(run, here) == []
    (said,) = note_environment(run, replace(here, torch="9.9"))
    assert said == f"torch is 9.9, was {torch.__version__}"
    (said,) = note_environment(run, replace(here, processes=4))
    assert said == "processes is 4, was 1"
    note_environment(run, replace(here, torch="9.9"))
    assert [entry["torch"] for entry in json.loads((run.folder / "environment.json").read_text())][-1] == "9.9"


def test_own_code_lies_in_the_run(tmp_path: Path, here: Environment) -> None:
    for name in ("net.py", "loss.py"):
        (tmp_path / name).write_text("x = 1")
    run = create_run(tmp_path / "x", Recipe(), DATASETS, here, [tmp_path / "net.py", tmp_path / "loss.py"])
    (tmp_path / "net.py").write_text("x = 2")
    assert (run.folder / "net.py").read_text() == (run.folder / "loss.py").read_text() == "x = 1"


def test_two_files_of_one_name_are_refused(tmp_path: Path, here: Environment) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own.py").touch()
    with pytest.raises(ValueError, match=r"Two files .* are called own\.py"):
        create_run(tmp_path / "x", Recipe(), DATASETS, here, [tmp_path / "a" / "own.py", tmp_path / "b" / "own.py"])
    assert not (tmp_path / "x").exists()
