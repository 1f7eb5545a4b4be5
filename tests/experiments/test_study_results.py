from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scalereid.experiments.study import Row, Study
from scalereid.experiments.study_results import Result, difference, last_epoch, results_of, scored_on_target
from scalereid.retrieval.bootstrap import Changes, bootstrap_interval
from scalereid.runs.recipe import Recipe
from tests.experiments.finished_runs import write_run

NAN = float("nan")


def results(study: Study, out: Path, row: str) -> dict[int, list[Result]]:
    found: dict[int, list[Result]] = {}
    for run in study.runs():
        if run.row == row and (finished := results_of(run, out)):
            found.setdefault(run.seed, []).append(finished[0])
    return found


def test_a_run_is_finished_when_its_last_epoch_is_logged(tiny: Recipe, tmp_path: Path) -> None:
    done, stopped, missing = Study(rows={"a": Row(tiny)}).runs()
    write_run(done, tmp_path, [1.0, 0.5])
    written = write_run(stopped, tmp_path, [1.0, 0.5], epoch=1)
    (result,) = results_of(done, tmp_path)
    assert result.scores.metric("mAP") == 0.75 and result.target == "csv"
    assert results_of(stopped, tmp_path) == () and last_epoch(written, tiny) is None
    assert results_of(missing, tmp_path) == ()


def test_a_result_on_each_target(tiny: Recipe, tmp_path: Path) -> None:
    (run,) = Study(rows={"a": Row(tiny, {"evaluation.also": ["csv@b", "csv@c"]})}, seeds=(0,)).runs()
    written = write_run(run, tmp_path, [1.0, 0.5], also=[[0.25], [0.5, 0.0, 1.0]])
    found = results_of(run, tmp_path)
    assert [(one.target, one.scores.metric("mAP"), len(one.per_query.pids)) for one in found] == [
        ("csv", 0.75, 2),
        ("csv@b", 0.25, 1),
        ("csv@c", 0.5, 3),
    ]
    written.append(replace(written.log()[0], also_scores={"csv@b": written.log()[0].also_scores["csv@b"]}))
    with pytest.raises(ValueError, match=r"log\.jsonl is damaged: its last line has no scores on csv@c"):
        results_of(run, tmp_path)


def test_scores_on_a_target_are_of_all_splits_and_of_each(tiny: Recipe, tmp_path: Path) -> None:
    study = Study(
        rows={"a": Row(tiny), "b": Row(tiny, {"optimizer.lr": 0.1})},
        seeds=(0, 1),
        splits={name: {"data.dataset": name} for name in ("csv@x", "csv@y")},
    )
    gains = {"csv@x": 0.25, "csv@y": -0.0625}
    for run in study.runs():
        write_run(run, tmp_path, [0.5 + gains[run.split] * (run.row == "b"), 0.5])
    own, baseline = (results(study, tmp_path, row) for row in "ba")
    found = scored_on_target(own, baseline, ["csv@x", "csv@y"], "mAP")
    assert found.difference and found.difference.mean == pytest.approx((0.125 - 0.03125) / 2)
    assert found.scores["mAP"].mean == pytest.approx(0.5 + (0.125 - 0.03125) / 2)
    for split, mean in (("csv@x", 0.125), ("csv@y", -0.03125)):
        change = found.split_differences[split]
        assert change and change.mean == pytest.approx(mean) and change.low <= mean <= change.high
        assert found.splits[split]["mAP"].mean == pytest.approx(0.5 + mean)
    itself = scored_on_target(own, {}, ["csv@x", "csv@y"], "mAP")
    assert itself.difference is None and itself.split_differences == {"csv@x": None, "csv@y": None}


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


def test_splits_are_drawn_with_the_runs_of_all_their_seeds(tiny: Recipe, tmp_path: Path) -> None:
    study = Study(
        rows={"a": Row(tiny), "b": Row(tiny, {"optimizer.lr": 0.1})},
        seeds=(0, 1),
        splits={f"#{number}": {"data.dataset": f"cuhk03-classic#{number}"} for number in (1, 2, 3)},
    )
    gains = {run.name: 0.1 * number for number, run in enumerate(run for run in study.runs() if run.row == "b")}
    for run in study.runs():
        write_run(run, tmp_path, [0.2 + gains.get(run.name, 0.0)] * 4, pids=[1, 2, 3, 4])
    of_all = {name: results(study, tmp_path, name) for name in "ab"}
    found = difference(of_all["b"], of_all["a"], "mAP", drawn="splits")
    people = np.array([1, 2, 3, 4])
    expected = bootstrap_interval(
        [[Changes(np.full(4, 0.1 * number), people) for number in (first, first + 3)] for first in range(3)]
    )
    assert found and found.mean == pytest.approx(0.25) and found.seeds == (0, 1)
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.high - found.low == pytest.approx(0.2 * 1.5**0.5)  # three splits of 0.15, 0.25 and 0.35


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
