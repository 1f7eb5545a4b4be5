from pathlib import Path

import numpy as np
import pytest

from scalereid.experiments.study import Row, Study
from scalereid.experiments.study_results import Result, difference, last_epoch, result_of
from scalereid.retrieval.bootstrap import Changes, bootstrap_interval
from scalereid.runs.recipe import Recipe
from tests.experiments.finished_runs import write_run

NAN = float("nan")


def results(study: Study, out: Path, row: str) -> dict[int, list[Result]]:
    found: dict[int, list[Result]] = {}
    for run in study.runs():
        if run.row == row and (result := result_of(run, out)):
            found.setdefault(run.seed, []).append(result)
    return found


def test_a_run_is_finished_when_its_last_epoch_is_logged(tiny: Recipe, tmp_path: Path) -> None:
    done, stopped, missing = Study(rows={"a": Row(tiny)}).runs()
    write_run(done, tmp_path, [1.0, 0.5])
    written = write_run(stopped, tmp_path, [1.0, 0.5], epoch=1)
    result = result_of(done, tmp_path)
    assert result and result.scores.mAP == 0.75 and result.target == "csv"
    assert result_of(stopped, tmp_path) is None and last_epoch(written, tiny) is None
    assert result_of(missing, tmp_path) is None


def test_differences_are_paired_by_query_and_seed(tiny: Recipe, tmp_path: Path) -> None:
    """Seeds that only one of the two has are left out."""
    study = Study(rows={"a": Row(tiny), "b": Row(tiny, {"optimizer.lr": 0.1})}, seeds=(0, 1, 2))
    precisions = {
        ("a", 0): [0.2, 0.4, NAN, 1.0],
        ("b", 0): [0.4, 0.4, NAN, 0.9],
        ("a", 1): [0.1, 0.4, NAN, 1.0],
        ("b", 1): [0.4, 1.0, NAN, 0.5],
        ("b", 2): [0.0, 0.0, NAN, 0.0],
    }
    people = [5, 5, 6, 7]
    for run in study.runs():
        if (run.row, run.seed) in precisions:
            write_run(run, tmp_path, precisions[run.row, run.seed], pids=people)
    found = difference(results(study, tmp_path, "b"), results(study, tmp_path, "a"), "mAP")
    assert found and found.seeds == (0, 1)
    changes = [np.array([0.2, 0.0, NAN, -0.1]), np.array([0.3, 0.6, NAN, -0.5])]
    assert found.mean == pytest.approx(np.mean([0.1 / 3, 0.4 / 3]))
    expected = bootstrap_interval([[Changes(values, np.array(people))] for values in changes])
    assert (found.low, found.high) == pytest.approx(expected)
    ranks = difference(results(study, tmp_path, "b"), results(study, tmp_path, "a"), "rank-1")
    assert ranks and ranks.mean == pytest.approx(np.mean([-1 / 3, 0.0]))
    assert difference(results(study, tmp_path, "b"), {}, "mAP") is None


@pytest.mark.parametrize(
    ("names", "same_people"), [(("cuhk03-classic#1", "cuhk03-classic#2"), True), (("csv@a", "csv@b"), False)]
)
def test_people_are_the_same_in_splits_of_one_dataset_and_others_in_another(
    tiny: Recipe, tmp_path: Path, names: tuple[str, str], same_people: bool
) -> None:
    """Opposite changes of equal pids: nothing varies if they are the same people."""
    study = Study(
        rows={"a": Row(tiny), "b": Row(tiny, {"optimizer.lr": 0.1})},
        seeds=(0,),
        splits={name: {"data.dataset": name} for name in names},
    )
    changes = np.linspace(-0.3, 0.3, 20) ** 3
    for run in study.runs():
        sign = 1 if run.split == names[0] else -1
        write_run(run, tmp_path, (0.5 + sign * changes * (run.row == "b")).tolist())
    found = difference(results(study, tmp_path, "b"), results(study, tmp_path, "a"), "mAP")
    assert found and found.mean == pytest.approx(0)
    assert (found.high - found.low < 1e-9) == same_people


@pytest.mark.parametrize(
    ("changes", "pids"), [({}, [1, 2, 4]), ({"evaluation.dataset": "csv@b"}, [1, 2, 3]), ({}, [1, 2])]
)
def test_other_queries_are_not_compared(
    tiny: Recipe, tmp_path: Path, changes: dict[str, object], pids: list[int]
) -> None:
    study = Study(rows={"a": Row(tiny), "b": Row(tiny, {"optimizer.lr": 0.1, **changes})}, seeds=(0,))
    one, other = study.runs()
    write_run(one, tmp_path, [0.5, 0.5, 0.5], pids=[1, 2, 3])
    write_run(other, tmp_path, [0.5] * len(pids), pids=pids)
    assert difference(results(study, tmp_path, "b"), results(study, tmp_path, "a"), "mAP") is None
