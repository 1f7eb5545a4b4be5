import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scalereid.data import DATASETS
from scalereid.data.readers import SPLITS
from scalereid.data.readers.table import read_csv
from scalereid.data.records import ReidDataset
from scalereid.experiments.classifying import evaluate_classes
from scalereid.experiments.evaluation import evaluate
from scalereid.experiments.study import Row, Study, leave_one_out, load_study, over_splits, run_study
from scalereid.retrieval.scores import mean_scores
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run
from scalereid.training.loop import Interrupted
from tests.conftest import CLASSES, TINY, same
from tests.experiments.processes import SERVER, finish

SHORT = replace(  # many short epochs: it can be stopped in the middle
    TINY,
    data=replace(TINY.data, image_size=(32, 16)),
    model=replace(TINY.model, backbone="osnet_one_stream", width=0.25),
    schedule=replace(TINY.schedule, epochs=5),
    evaluation=replace(TINY.evaluation, every=5),
)
STUDY = Study(rows={"osnet": Row(SHORT), "slow": Row(SHORT, {"optimizer.lr": 0.002})}, seeds=(4,))


def weights(out: Path) -> dict[str, Any]:
    return {run.name: load_checkpoint(out / run.name).model.state_dict() for run in STUDY.runs()}


@pytest.fixture(scope="module")
def done(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """STUDY, run one by one. Not to be changed."""
    out = tmp_path_factory.mktemp("study")
    run_study(STUDY, data=people.root, out=out)
    return out


def test_runs_are_rows_times_seeds_times_splits(tiny: Recipe) -> None:
    study = Study(
        rows={"a": Row(tiny), "b": Row(tiny, {"optimizer.lr": 0.1})},
        seeds=(3, 5),
        splits={"x": {"data.dataset": "csv@x"}, "y": {"data.dataset": "csv@y"}},
    )
    runs = study.runs()
    assert study.baseline == "a"
    assert [run.name for run in runs[:5]] == ["a/seed-3/x", "a/seed-3/y", "b/seed-3/x", "b/seed-3/y", "a/seed-5/x"]
    last = runs[-1]
    assert (last.recipe.seed, last.recipe.data.dataset, last.recipe.optimizer.lr) == (5, "csv@y", 0.1)
    assert last.settings == Row(tiny, {"optimizer.lr": 0.1, "data.dataset": "csv@y"})


def test_a_part_of_a_study(tiny: Recipe) -> None:
    """The baseline stays the baseline where it is among its rows."""
    rows = {"a": Row(tiny), "b": Row(tiny, {"optimizer.lr": 0.1}), "c": Row(tiny, {"optimizer.lr": 0.2})}
    splits = {name: {"data.dataset": f"csv@{name}"} for name in "xyz"}
    study = Study(rows=rows, seeds=(1, 4, 7), splits=splits, baseline="c", metric="rank-1")
    assert study.only() == study
    some = study.only(rows=("c", "b"), seeds=[7], splits=["z", "x"])
    assert [run.name for run in some.runs()] == ["c/seed-7/z", "c/seed-7/x", "b/seed-7/z", "b/seed-7/x"]
    assert (some.baseline, some.metric) == ("c", "rank-1")
    assert study.only(rows=["b"]).baseline == "b"
    runs = study.runs()
    assert all(run in runs for run in some.runs())
    with pytest.raises(ValueError, match="No such row: 'd'. The study has 'a', 'b', 'c'"):
        study.only(rows=["a", "d"])
    with pytest.raises(ValueError, match="No such seed: 2. The study has 1, 4, 7"):
        study.only(seeds=[2])
    with pytest.raises(ValueError, match="No such split: 'x'. The study has no splits"):
        replace(study, splits={}).only(splits=["x"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": {}}, "rows is empty"),
        ({"seeds": ()}, r"seeds is \(\); expected one or more different"),
        ({"seeds": (1, 1)}, r"seeds is \(1, 1\); expected one or more different"),
        ({"seeds": 3}, "seeds is 3; expected Sequence"),
        ({"seeds": (0, -1)}, "a seed is -1; expected a whole number from 0 to 4,294,967,295"),
        ({"seeds": (0, 2**32)}, "a seed is 4294967296; expected a whole number from 0 to 4,294,967,295"),
        ({"seeds": (0, 0.5)}, r"a seed is 0\.5; expected a whole number"),
        ({"rows": ["toy"]}, r"rows is \['toy'\]; expected Mapping"),
        ({"rows": {"a": "toy"}}, r"rows\['a'\] is 'toy'; expected Row"),
        ({"rows": {1: Row("toy")}}, "rows: a name is 1; expected str"),
        ({"splits": ["toy"]}, r"splits is \['toy'\]; expected Mapping"),
        ({"splits": {"x": "toy"}}, r"splits\['x'\] is 'toy'; expected Mapping"),
        ({"baseline": "c"}, "baseline is 'c'; expected one of the rows: a, b"),
        ({"metric": "mINP"}, "metric is 'mINP'; expected mAP, rank-1"),
        ({"metric": "rank-0"}, "metric is 'rank-0'"),
        ({"metric": "rank-51"}, "metric is 'rank-51'; expected mAP, rank-1, rank-5, … up to rank-50"),
        ({"rows": {"A b": Row("toy"), "a/b": Row("toy")}}, "rows: 'A b' and 'a/b' would have the same folder"),
        ({"rows": {"..": Row("toy")}}, "rows: '..' cannot be the name of a folder"),
        ({"rows": {"a": Row("toy"), "b": Row("toi")}}, "row 'b': No such recipe: 'toi'. Choose from toy"),
        ({"rows": {"b": Row("toy", {"optimizer.rate": 1})}}, "row 'b': No such setting: 'optimizer.rate'"),
        (
            {"rows": {"a": Row("toy"), "b": Row("toy", {"evaluation.also": ["toy-shifted"]})}},
            "evaluation.also names 0 in a/seed-2, 1 in b/seed-2; expected the same number of datasets in every run",
        ),
        ({"splits": {"x": {"data.datset": "x"}}}, "row 'a': No such setting: 'data.datset'. Choose from data.dataset"),
        (
            {"rows": {"a": Row("toy", {"data.dataset": "csv"})}, "splits": {"x": {"data.dataset": "csv@x"}}},
            "row 'a': data.dataset is among the changes, but the splits of the study choose it",
        ),
    ],
)
def test_a_wrong_study_is_refused_when_it_is_made(changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Study(**{"rows": {"a": Row("toy"), "b": Row("toy")}, **changes})


def test_seeds_may_be_numpys(tiny: Recipe) -> None:
    """Recipes are written as JSON, which knows none of its numbers."""
    (run,) = Study(rows={"a": Row(tiny)}, seeds=[np.int64(3)]).runs()  # type: ignore[list-item]
    assert type(run.seed) is type(run.recipe.seed) is int


def test_a_study_writes_its_runs_and_its_table(done: Path) -> None:
    values = json.loads((done / "table.json").read_text())
    assert values["missing"] == [] and values["failed"] == {}
    scores = Run(done / "slow" / "seed-4").log()[-1].scores
    osnet, slow = values["rows"]
    assert scores and slow["scores"]["mAP"] == {"mean": pytest.approx(scores.mAP), "sd": None}
    change = slow["scores"]["mAP"]["mean"] - osnet["scores"]["mAP"]["mean"]
    assert slow["difference"]["mean"] == pytest.approx(change)
    assert "| osnet | " in (done / "table.md").read_text()


def test_finished_runs_are_left_as_they_are(people: ReidDataset, done: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in done.rglob("seed-*/*")}
    run_study(STUDY, data=people.root, out=done)
    assert before == {file: file.stat().st_mtime_ns for file in done.rglob("seed-*/*")}
    other = replace(STUDY, rows={"osnet": Row(SHORT, {"optimizer.lr": 0.5})})
    with pytest.raises(ValueError, match="osnet/seed-4 is a run of another recipe"):
        run_study(other, data=people.root, out=done)


def run_two_at_once(data: str, out: str) -> None:
    try:
        run_study(STUDY, data=data, out=out, jobs=2)
    except Interrupted:
        sys.exit(130)


def test_several_at_once_stopped_by_ctrl_c_and_resumed_give_the_same_weights(
    people: ReidDataset, done: Path, tmp_path: Path
) -> None:
    """In a process of its own, which is what gets the signal; other tests may have left threads of runtimes in this one."""
    process = SERVER.Process(target=run_two_at_once, args=(str(people.root), str(tmp_path)))
    process.start()
    while not list(tmp_path.glob("*/seed-*/log.jsonl")):
        assert process.is_alive(), "the study ended before it could be stopped"
        time.sleep(0.02)
    assert process.pid
    os.kill(process.pid, signal.SIGINT)
    assert finish(process) == 130
    assert json.loads((tmp_path / "table.json").read_text())["missing"]
    assert run_study(STUDY, data=people.root, out=tmp_path).missing == ()
    expected, found = weights(done), weights(tmp_path)
    assert all(same(expected[name], found[name]) for name in expected)


def test_an_error_ends_its_run_alone(people: ReidDataset, tmp_path: Path) -> None:
    rows = {"diverges": Row(SHORT, {"optimizer.lr": 1e6}), "osnet": Row(SHORT)}
    study = Study(rows=rows, seeds=(0,), baseline="osnet")
    table = run_study(study, data=people.root, out=tmp_path)
    assert table.missing == ("diverges/seed-0",)
    assert "FloatingPointError: A loss in epoch 1" in table.failed["diverges/seed-0"]
    assert "Traceback" in (tmp_path / "diverges" / "seed-0.log").read_text()
    assert table.rows[1].seeds == (0,)


def test_what_cannot_be_run(people: ReidDataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="jobs is 0; expected 1 or more"):
        run_study(STUDY, data=people.root, out=tmp_path, jobs=0)
    with pytest.raises(ValueError, match="Device 'tpu' is not available"):
        run_study(STUDY, data=people.root, out=tmp_path, device="tpu")
    with pytest.raises(FileNotFoundError):
        run_study(STUDY, data=tmp_path, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_dataset_is_left_out_once(places: Path, tmp_path: Path) -> None:
    names = ("csv@a", "csv@b", "csv@c")
    table = run_study(leave_one_out(SHORT, names, {"optimizer.lr": 0.01}, seeds=(0,)), data=places, out=tmp_path)
    runs = {name: Run(tmp_path / "recipe" / "seed-0" / name) for name in names}
    assert [run.recipe().data.dataset for run in runs.values()] == ["csv@b+csv@c", "csv@a+csv@c", "csv@a+csv@b"]
    assert all(run.recipe().optimizer.lr == 0.01 for run in runs.values())
    facts = runs["csv@c"].dataset()
    assert facts.source.counts["train"]._asdict() == {"people": 4, "images": 48, "cameras": 8, "tracklets": 0}
    assert facts.target.name == "c"
    again = evaluate(runs["csv@c"].folder, data=places)  # by default on what it was scored on
    assert again.dataset.name == "c"
    scores = runs["csv@c"].log()[-1].scores
    assert scores and again.scores.mAP == scores.mAP == table.rows[0].splits["csv@c"]["mAP"].mean < 1
    assert evaluate(runs["csv@c"].folder, data=places, dataset="csv@b").dataset.name == "b"


@pytest.mark.parametrize("datasets", [(), ("csv",), ("csv", "csv")])
def test_what_cannot_be_left_out(tiny: Recipe, datasets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected two or more different datasets"):
        leave_one_out(tiny, datasets)


@pytest.fixture
def halves(monkeypatch: pytest.MonkeyPatch, people: ReidDataset) -> Path:
    """The drawn people as a dataset of two splits."""

    def read_halves(root: Path, split: int = 1) -> ReidDataset:
        """Drawn people in two ways."""
        whole = read_csv(root)
        keep = {r.pid for r in whole.query if r.pid % 2 == split % 2}
        query, gallery = (tuple(r for r in side if r.pid in keep) for side in (whole.query, whole.gallery))
        return replace(whole, name=f"halves#{split}", query=query, gallery=gallery)

    monkeypatch.setitem(DATASETS, "halves", read_halves)
    monkeypatch.setitem(SPLITS, "halves", 2)
    return people.root


def test_splits_are_trained_on_and_averaged(halves: Path, tmp_path: Path) -> None:
    study = over_splits(SHORT, "halves")
    assert study.seeds == (0,)
    (row,) = run_study(study, data=halves, out=tmp_path).rows
    finals = [Run(tmp_path / "recipe" / "seed-0" / f"halves#{i}").log()[-1].scores for i in (1, 2)]
    mean = mean_scores([scores for scores in finals if scores])
    assert row.scores["mAP"].mean == pytest.approx(mean.mAP)
    assert row.scores["rank-1"].mean == pytest.approx(mean.rank(1))
    assert list(row.splits) == ["halves#1", "halves#2"]


def test_rows_that_classify(class_images: Path, tmp_path: Path) -> None:
    """The table says what the runs' own scores say, and needs nothing but what is kept."""
    rows = {"both": Row(CLASSES), "slow": Row(CLASSES, {"optimizer.lr": 1e-4})}
    study = Study(rows=rows, seeds=(0, 1), metric="top-1")
    file = tmp_path / "kept.json"
    table = run_study(study, data=class_images, out=tmp_path / "study", results=file)
    found = {
        run.name: evaluate_classes(tmp_path / "study" / run.name, data=class_images).scores for run in study.runs()
    }
    both, slow = table.rows
    for metric in ("top-1", "top-5"):
        mean = np.mean([found[f"slow/seed-{seed}"].metric(metric) for seed in (0, 1)])
        assert slow.scores[metric].mean == pytest.approx(mean)
    assert slow.difference and both.difference is None
    assert slow.difference.mean == pytest.approx(slow.scores["top-1"].mean - both.scores["top-1"].mean)
    assert slow.difference.low <= slow.difference.mean <= slow.difference.high
    assert "12 images of 3 classes" in table.markdown() and "bootstrap over images and seeds" in table.markdown()
    again = run_study(study, data=tmp_path / "nowhere", out=tmp_path / "another", results=file)
    assert again == table


def test_what_has_no_splits(tiny: Recipe) -> None:
    with pytest.raises(ValueError, match="csv has one split; expected a dataset with several: .*viper"):
        over_splits(tiny, "csv")
    assert list(over_splits("toy", "viper@folder").splits)[:2] == ["viper#1@folder", "viper#2@folder"]
    assert list(over_splits("toy", "viper").rows) == ["toy"]
    assert list(over_splits("toy", "cuhk03-pair1").splits)[-1] == "cuhk03-pair1#10"


def test_a_study_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "study.py"
    with pytest.raises(FileNotFoundError, match="study.py does not exist; expected a Python file that defines STUDY"):
        load_study(file)
    file.write_text("from scalereid import Row, Study\nSTUDY = Study(rows={'toy': Row('toy')})\n")
    assert load_study(file) == Study(rows={"toy": Row("toy")})
    file.write_text("STUDY = {}\n")
    with pytest.raises(ValueError, match=r"study.py defines STUDY as \{\}; expected a scalereid.Study"):
        load_study(file)


FILES = sorted((Path(__file__).parents[2] / "studies").glob("*.py"))
STUDIES = [file for file in FILES if file.stem != "patch_pool"]  # an augmentation for one of them


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.stem)
def test_the_studies_of_this_repository_fit_its_recipes(file: Path) -> None:
    study = load_study(file)
    recipes = [run.recipe for run in study.runs()]
    assert len({repr(recipe) for recipe in recipes}) == len(study.rows) * len(study.seeds) * max(1, len(study.splits))


@pytest.mark.parametrize(
    "name", ["leave_one_out", "transfer", "transfer_amsgrad", "transfer_searched", "transfer_x1_0"]
)
def test_nothing_is_pasted_or_erased_where_a_study_scores_elsewhere(name: str) -> None:
    """Which lowers the scores on datasets that were not trained on (torchreid issues 221 and 380)."""
    (file,) = (file for file in STUDIES if file.stem == name)
    assert all(run.recipe.data.erase == run.recipe.data.patch == 0 for run in load_study(file).runs())
