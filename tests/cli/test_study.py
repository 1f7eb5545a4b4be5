import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.cli.parsing import parse
from scalereid.cli.study import command_of
from scalereid.data.records import ReidDataset
from scalereid.experiments.rows import Row
from scalereid.recipes import RECIPES
from tests.cli.conftest import Answer, Fail

STUDY = """
from scalereid.experiments.rows import Row
from scalereid.experiments.study import Study

SMALL = {
    "data.dataset": "csv", "data.image_size": (64, 32), "data.batch_size": 16, "schedule.epochs": 1,
    "model.backbone": "osnet_one_stream", "model.width": 0.25, "model.embedding_size": 16, "evaluation.also": ["csv@."],
}
STUDY = Study(rows={"plain": Row("toy", SMALL), "flipped": Row("toy", {**SMALL, "data.flip": 1.0})}, seeds=(0,))
"""


def test_the_table_of_a_study(people: ReidDataset, tmp_path: Path, answer: Answer) -> None:
    (tmp_path / "study.py").write_text(STUDY)
    words = ("study", tmp_path / "study.py", "--data", people.root, "--out", tmp_path / "runs")
    found = answer(*words)
    assert found == json.loads((tmp_path / "runs" / "table.json").read_text())
    assert [row["name"] for row in found["rows"]] == ["plain", "flipped"]
    assert [row["seeds"] for row in found["rows"]] == [[0], [0]]
    assert found["rows"][1]["command"].startswith("scalereid train toy --data.dataset csv --data.image-size 64 32 ")
    assert "Scored on csv@.:\n" in (tmp_path / "runs" / "table.md").read_text()
    assert all(row["also"][0]["scores"] == row["scores"] for row in found["rows"])  # the same people
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("last.safetensors")}
    assert answer(*words) == found
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("last.safetensors")} == before  # trained once


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model.backbone": "dslnet", "optimizer.lr": 0.03, "data.image_size": (128, 64)},
        {"objective.triplet": 1.0, "objective.soft_margin": True, "data.images_per_person": 4, "model.width": None},
        {"schedule.decay": "step", "schedule.steps": ()},
        {"data.dataset": "csv@a b+csv@c"},
        {"evaluation.also": ["csv@a", "viper#1"]},
        {"evaluation.also": []},
    ],
)
def test_a_rows_command_trains_its_recipe(changes: dict[str, object]) -> None:
    row = Row("toy", changes)
    program, *words = shlex.split(command_of(row, 7, data=Path("some data")))
    assert program == "scalereid"
    call = parse(words)
    assert call.keywords["settings"] == replace(row.recipe(), seed=7)
    assert call.keywords["options"].data == Path("some data")


def test_a_rows_command_leaves_out_what_has_no_effect() -> None:
    row = Row("toy", {"schedule.steps": (), "objective.margin": 0.1, "optimizer.lr": 0.02})
    assert command_of(row, 0, data=Path("d")) == (
        "scalereid train toy --optimizer.lr 0.02 --seed 0 --data d --out runs/again"
    )


def test_a_recipe_without_a_name_has_no_command() -> None:
    assert command_of(Row(RECIPES["toy"]), 0, data=Path("data")) == ""


def test_no_jobs_are_refused_before_people_are_drawn(tmp_path: Path, fail: Fail) -> None:
    (tmp_path / "study.py").write_text("from scalereid import Row, Study\nSTUDY = Study(rows={'x': Row('toy')})\n")
    refused = fail("study", tmp_path / "study.py", "--data", tmp_path / "d", "--out", tmp_path / "o", "--jobs", "0")
    assert "jobs is 0; expected a whole number of at least 1" in refused
    assert not (tmp_path / "d").exists()


def test_a_part_that_the_study_does_not_have_is_refused(tmp_path: Path, fail: Fail) -> None:
    (tmp_path / "study.py").write_text("from scalereid import Row, Study\nSTUDY = Study(rows={'x': Row('toy')})\n")
    words = ("study", tmp_path / "study.py", "--data", tmp_path / "d", "--out", tmp_path / "o")
    assert "No such row: 'y'. The study has 'x'." in fail(*words, "--rows", "y")
    assert "No such seed: 3. The study has 0, 1, 2." in fail(*words, "--rows", "x", "--seeds", "0", "3")
    assert "No such split: '#1'. The study has no splits." in fail(*words, "--splits", "#1")


def test_a_file_without_a_study_is_named(tmp_path: Path, fail: Fail) -> None:
    words = ("--data", tmp_path, "--out", tmp_path / "x")
    assert "gone.py does not exist" in fail("study", tmp_path / "gone.py", *words)
    (tmp_path / "other.py").write_text("x = 1")
    assert "other.py does not define STUDY" in fail("study", tmp_path / "other.py", *words)
