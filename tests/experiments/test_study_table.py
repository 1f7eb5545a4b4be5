import json
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from scalereid.experiments.study import Row, Study
from scalereid.experiments.study_results import Spread
from scalereid.experiments.study_table import StudyTable, tabulate
from scalereid.runs.recipe import Recipe
from tests.experiments.finished_runs import write_run

PRECISIONS = {
    ("osnet", 0): [1.0, 1.0, 0.4, 0.4],
    ("osnet", 1): [1.0, 0.6, 0.4, 0.4],
    ("lite | x", 0): [0.9, 0.5, 0.4, 0.2],
    ("lite | x", 1): [0.5, 0.5, 0.4, 0.2],
}


def spread(mean: float, sd: float) -> object:
    return (pytest.approx(mean), pytest.approx(sd))


@pytest.fixture
def study(tiny: Recipe) -> Study:
    return Study(rows={"osnet": Row(tiny), "lite | x": Row(tiny, {"model.width": 0.1})}, seeds=(0, 1))


@pytest.fixture
def table(study: Study, tmp_path: Path) -> StudyTable:
    for run in study.runs():
        write_run(run, tmp_path, PRECISIONS[run.row, run.seed])
    return tabulate(
        study.runs(),
        tmp_path,
        metric="mAP",
        baseline="osnet",
        command=lambda row, seed: f"{len(row.changes)} --seed {seed}",
    )


def test_mean_and_sample_standard_deviation_over_seeds(table: StudyTable) -> None:
    osnet, lite = table.rows
    assert (osnet.name, osnet.seeds, osnet.difference, osnet.splits) == ("osnet", (0, 1), None, {})
    assert astuple(osnet.scores["mAP"]) == spread(0.65, 0.05 * 2**0.5)
    assert astuple(osnet.scores["rank-1"]) == spread(0.375, 0.125 * 2**0.5)
    assert astuple(osnet.scores["mINP"]) == spread(0.4, 0.0)
    assert osnet.scores["rank-5"] == Spread(1.0, 0.0)
    assert lite.difference and lite.difference.mean == pytest.approx(0.45 - 0.65)
    assert lite.difference.low < -0.2 < lite.difference.high


def test_markdown_is_in_per_cent_and_says_how(table: StudyTable) -> None:
    head, _, osnet, lite, _, caption, *commands = table.markdown().splitlines()
    assert head == "|  | mAP | mINP | rank-1 | rank-5 | Δ mAP | seeds |"
    assert osnet == "| osnet | 65.00 ± 7.07 | 40.00 ± 0.00 | 37.50 ± 17.68 | 100.00 ± 0.00 | baseline | 2 |"
    assert lite.startswith(r"| lite \| x | 45.00 ± 7.07 | 20.00 ± 0.00 | 0.00 ± 0.00 | 100.00 ± 0.00 | -20.00 (-")
    assert "cosine distance, market1501 protocol" in caption
    assert "difference from osnet in points, with the 95 % interval" in caption
    assert commands == ["", "The first run of each row:", "", "```sh", "0 --seed 0", "1 --seed 0", "```"]


def test_a_stopped_study_says_over_which_seeds_differences_are(study: Study, tmp_path: Path) -> None:
    """The means are over two seeds and one, whose difference is another."""
    for run in study.runs()[:3]:
        write_run(run, tmp_path, PRECISIONS[run.row, run.seed])
    stopped = tabulate(study.runs(), tmp_path, metric="mAP", baseline="osnet")
    osnet, lite = stopped.rows
    assert (osnet.seeds, lite.seeds) == ((0, 1), (0,))
    assert lite.difference and lite.difference.mean == pytest.approx(0.5 - 0.7)
    assert lite.scores["mAP"].mean - osnet.scores["mAP"].mean == pytest.approx(0.5 - 0.65)
    caption = (
        "Δ: difference from osnet in points, over the seeds that both have finished, with the 95 % interval of a paired"
    )
    assert caption in stopped.markdown()


def test_files(table: StudyTable, tmp_path: Path) -> None:
    table.write(tmp_path / "new")
    assert (tmp_path / "new" / "table.md").read_text() == table.markdown()
    values = json.loads((tmp_path / "new" / "table.json").read_text())
    assert values.keys() == {"metric", "baseline", "targets", "drawn", "rows", "missing", "failed"}
    on_target = {"scores", "splits", "difference", "split_differences", "how"}
    assert values["rows"][1].keys() == on_target | {"name", "seeds", "command", "also"}
    assert (values["targets"], values["rows"][1]["also"]) == ([["csv"]], [])
    assert values["rows"][1]["difference"].keys() == {"mean", "low", "high", "seeds"}
    assert values["rows"][0]["scores"]["mAP"]["mean"] == pytest.approx(0.65)
    assert values["rows"][0]["difference"] is None


def test_a_message_that_is_not_utf_8_is_in_the_table_all_the_same(table: StudyTable, tmp_path: Path) -> None:
    failed = replace(table, missing=("lite-x/seed-0",), failed={"lite-x/seed-0": "ValueError: \udcff.jpg is damaged"})
    failed.write(tmp_path / "new")
    assert "* lite-x/seed-0: ValueError: ?.jpg is damaged\n" in (tmp_path / "new" / "table.md").read_text()
    values = json.loads((tmp_path / "new" / "table.json").read_text())
    assert values["failed"] == {"lite-x/seed-0": "ValueError: \udcff.jpg is damaged"}


def test_the_interval_is_the_same_every_time(study: Study, table: StudyTable, tmp_path: Path) -> None:
    again = tabulate(study.runs(), tmp_path, metric="mAP", baseline="osnet")
    assert again.rows[1].difference == table.rows[1].difference


def test_a_study_that_has_only_begun(study: Study, tmp_path: Path) -> None:
    runs = study.runs()
    empty = tabulate(runs, tmp_path, metric="mAP", baseline="osnet")
    assert "| osnet | – | – | – | – | baseline | 0 |" in empty.markdown()
    write_run(runs[0], tmp_path, [0.5])
    begun = tabulate(runs, tmp_path, metric="mAP", baseline="osnet", failed={"lite-x/seed-0": "ValueError: bad"})
    assert begun.rows[0].scores["mAP"] == Spread(0.5, None)
    assert begun.missing == ("lite-x/seed-0", "osnet/seed-1", "lite-x/seed-1")
    text = begun.markdown()
    assert "| osnet | 50.00 | 50.00 | 0.00 | 100.00 | baseline | 1 |" in text
    assert r"| lite \| x | – | – | – | – | – | 0 |" in text
    assert "Not finished:\n\n* lite-x/seed-0: ValueError: bad\n* osnet/seed-1\n* lite-x/seed-1\n" in text


def test_means_over_splits_are_of_seeds_that_have_them_all(tiny: Recipe, tmp_path: Path) -> None:
    splits = {name: {"data.dataset": name} for name in ("csv@a", "csv@b")}
    study = Study(rows={"osnet": Row(tiny)}, seeds=(0, 1, 2), splits=splits)
    values = {(0, "csv@a"): 0.2, (0, "csv@b"): 0.4, (1, "csv@a"): 0.4, (1, "csv@b"): 0.8, (2, "csv@a"): 0.9}
    for run in study.runs():
        if (run.seed, run.split) in values:
            write_run(run, tmp_path, [values[run.seed, run.split]])
    table = tabulate(study.runs(), tmp_path, metric="mAP", baseline="osnet")
    (row,) = table.rows
    assert row.seeds == (0, 1)
    assert astuple(row.scores["mAP"]) == spread(0.45, 0.15 * 2**0.5)
    assert astuple(row.splits["csv@b"]["mAP"]) == spread(0.6, 0.2 * 2**0.5)
    assert table.missing == ("osnet/seed-2/csv@b",)
    text = table.markdown()
    assert "| mAP | csv@a | csv@b |\n| --- | --- | --- |\n| osnet | 30.00 ± 14.14 | 60.00 ± 28.28 |" in text
    assert "Mean over seeds and splits" in text
    assert "Scored on" not in text and "| Δ mAP | csv@a" not in text


def test_the_score_that_is_compared_is_in_every_table(tiny: Recipe, tmp_path: Path) -> None:
    splits = {name: {"data.dataset": name} for name in ("csv@a", "csv@b")}
    study = Study(rows={"osnet": Row(tiny), "ain": Row(tiny, {"model.width": 0.1})}, seeds=(0,), splits=splits)
    for run in study.runs():
        found_first = run.row == "ain" and run.split == "csv@b"
        write_run(run, tmp_path, [1.0 if found_first else 0.5, 0.5])
    text = tabulate(study.runs(), tmp_path, metric="rank-2", baseline="osnet").markdown()
    assert "|  | mAP | mINP | rank-1 | rank-5 | rank-2 | Δ rank-2 | seeds |" in text
    assert "| ain | 62.50 | 50.00 | 25.00 | 100.00 | 25.00 | +25.00 (" in text
    assert "| rank-2 | csv@a | csv@b |\n| --- | --- | --- |\n| osnet | 0.00 | 0.00 |\n| ain | 0.00 | 50.00 |" in text


def test_each_target_has_its_table_and_each_split_its_difference(tiny: Recipe, tmp_path: Path) -> None:
    splits = {"here": {"data.dataset": "csv@a", "evaluation.also": ["csv@b"]}, "there": {"data.dataset": "csv@b",
              "evaluation.also": ["csv@a"]}}  # fmt: skip
    study = Study(rows={"osnet": Row(tiny), "ain": Row(tiny, {"model.width": 0.1})}, seeds=(0,), splits=splits)
    for run in study.runs():
        better = 0.25 * (run.row == "ain")
        write_run(run, tmp_path, [0.75 - better, 0.75], also=[[0.25 + better * (1 + (run.split == "there")), 0.25]])
    table = tabulate(study.runs(), tmp_path, metric="mAP", baseline="osnet")
    assert table.targets == (("csv@a", "csv@b"), ("csv@b", "csv@a"))
    osnet, ain = table.rows
    assert osnet.difference is None and osnet.also[0].difference is None
    assert ain.difference and ain.difference.mean == pytest.approx(-0.125)
    (away,) = ain.also
    assert away.difference and away.difference.mean == pytest.approx((0.125 + 0.25) / 2)
    there = away.split_differences["there"]
    assert there and there.mean == pytest.approx(0.25)
    assert away.splits["here"]["mAP"].mean == pytest.approx(0.375)
    lines = table.markdown().splitlines()
    heads = [line for line in lines if line.startswith(("Scored on", "| Δ"))]
    assert heads == ["Scored on csv@a, csv@b:", "| Δ mAP | here | there |", "Scored on csv@b, csv@a:", heads[1]]
    assert lines[0:3] == [heads[0], "", "|  | mAP | mINP | rank-1 | rank-5 | Δ mAP | seeds |"]
    assert [line.split(" (")[0] for line in lines if line.startswith("| ain | ") and line.count("|") == 4] == [
        "| ain | 62.50 | 62.50 |",
        "| ain | -12.50",
        "| ain | 37.50 | 50.00 |",
        "| ain | +12.50",
    ]


@pytest.mark.parametrize(
    ("names", "drawn"),
    [
        (["cuhk03-classic#1", "cuhk03-classic#2"], "splits"),
        (["cuhk03-classic#1"], "seeds"),
        (["csv@a", "csv@b"], "seeds"),
        (["cuhk03-classic#1@a", "cuhk03-classic#2@b"], "seeds"),
    ],
)
def test_numbered_splits_of_one_dataset_are_drawn(tiny: Recipe, tmp_path: Path, names: list[str], drawn: str) -> None:
    splits = {name: {"data.dataset": name} for name in names}
    study = Study(rows={"osnet": Row(tiny), "ain": Row(tiny, {"model.width": 0.1})}, seeds=(0,), splits=splits)
    for run in study.runs():
        gain = 0.25 * (run.row == "ain" and run.split.startswith(names[-1]))
        write_run(run, tmp_path, [0.5 + gain] * 2, pids=[1, 2])
    table = tabulate(study.runs(), tmp_path, metric="mAP", baseline="osnet")
    (change,) = (row.difference for row in table.rows if row.difference)
    assert table.drawn == drawn and change.mean == pytest.approx(0.25 / len(names))
    assert (change.high > change.low) == (drawn == "splits")  # nothing else varies
    assert ("over people and splits" in table.markdown()) == (drawn == "splits")


def test_the_same_numbered_split_twice_is_not_drawn(tiny: Recipe, tmp_path: Path) -> None:
    """As where splits differ in something else than the data."""
    splits = {f"{size}": {"data.dataset": "cuhk03-classic#1", "data.batch_size": size} for size in (8, 16)}
    study = Study(rows={"osnet": Row(tiny)}, seeds=(0,), splits=splits)
    assert tabulate(study.runs(), tmp_path, metric="mAP", baseline="osnet").drawn == "seeds"
