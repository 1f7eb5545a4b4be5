from dataclasses import replace
from pathlib import Path

import pytest
import torch

from scalereid.data import DATASETS
from scalereid.data.readers.table import read_csv
from scalereid.data.reading import read_dataset
from scalereid.data.records import ReidDataset
from scalereid.experiments.study import Row, Study
from scalereid.experiments.study_checks import check_code, check_datasets, is_finished
from scalereid.runs.recipe import Recipe
from tests.conftest import CLASSES
from tests.experiments.finished_runs import write_run, write_run_of_own_code


def test_fingerprints_of_what_is_scored_on(people: ReidDataset, tiny: Recipe) -> None:
    data, folder = people.root.parent, f"csv@{people.root.name}"
    row = Row(tiny, {"data.dataset": folder})
    assert check_datasets(Study(rows={"x": row}).runs(), data, "rank-1") == {folder: people.fingerprint()}


def test_datasets_are_read_before_the_first_hour(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    lines = (people.root / "dataset.csv").read_text().splitlines()
    absolute = [
        ",".join([split, str(people.root / path), *rest]) for split, path, *rest in (x.split(",") for x in lines[1:])
    ]
    for name, keep in (("whole", ""), ("train", "train"), ("test", "query,gallery")):
        (tmp_path / name).mkdir()
        kept = [line for line in absolute if not keep or line.split(",")[0] in keep]
        (tmp_path / name / "dataset.csv").write_text("\n".join([lines[0], *kept]))

    def check(dataset: str, target: str, *also: str) -> None:
        row = Row(tiny, {"data.dataset": dataset, "evaluation.dataset": target, "evaluation.also": also})
        check_datasets(Study(rows={"mine": row}).runs(), tmp_path, "mAP")

    check("csv@train", "csv@test")
    with pytest.raises(ValueError, match="row 'mine': .* is a training image of both train and whole"):
        check("csv@train+csv@whole", "csv@test")
    with pytest.raises(ValueError, match="csv@test has no train images; row 'mine' needs them"):
        check("csv@whole+csv@test", "csv@whole")
    with pytest.raises(ValueError, match="csv@train has no query and no gallery images; row 'mine' needs them"):
        check("csv@whole", "csv@train")
    with pytest.raises(ValueError, match="csv@train has no query and no gallery images; row 'mine' needs them"):
        check("csv@whole", "", "csv@test", "csv@train")
    with pytest.raises(FileNotFoundError):
        check("csv@whole", "csv@nowhere")
    with pytest.raises(ValueError, match="viper has several splits; name one of viper#1"):
        check("viper", "")


def test_people_who_are_trained_on_are_not_scored_on(
    people: ReidDataset, tiny: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("market1501-dev", "market1501-all", "cuhk03-pair1-all"):
        monkeypatch.setitem(DATASETS, name, lambda root, name=name: replace(read_csv(root), name=name))

    def check(target: str, *also: str) -> None:
        row = Row(tiny, {"data.dataset": "market1501-dev", "evaluation.dataset": target, "evaluation.also": also})
        check_datasets(Study(rows={"x": row}).runs(), people.root, "mAP")

    check("", "cuhk03-pair1-all")
    for targets in (("market1501-all",), ("", "cuhk03-pair1-all", "market1501-all")):
        with pytest.raises(ValueError, match="market1501-dev is trained on, and so some or all of .* market1501-all"):
            check(*targets)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mutual.weight": 1.0, "mutual.backbone": "nosuch"}, "No such name: 'nosuch'"),
        ({"objective.term": "nosuch"}, "No such name: 'nosuch'"),
    ],
)
def test_every_part_is_looked_for(tiny: Recipe, tmp_path: Path, changes: dict[str, object], message: str) -> None:
    study = Study(rows={"right": Row(tiny), "wrong": Row(tiny, changes)}, seeds=(0,))
    with pytest.raises(ValueError, match=f"row 'wrong': {message}"):
        check_code(study.runs(), tmp_path, torch.device("cpu"))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"data.framing": "window"}, ValueError, "data.framing is window, but images of people are seen whole"),
        ({"evaluation.best": "top-1"}, ValueError, "evaluation.best is top-1, but people has people"),
        (
            {"data.attributes": "nosuch", "objective.attributes": 1.0},
            ValueError,
            "No such table of attributes: 'nosuch'",
        ),
        ({"data.attributes": "no.csv", "objective.attributes": 1.0}, FileNotFoundError, ".*no.csv does not exist"),
    ],
)
def test_recipes_fit_their_data(
    people: ReidDataset, tiny: Recipe, changes: dict[str, object], error: type[Exception], message: str
) -> None:
    study = Study(rows={"right": Row(tiny), "wrong": Row(tiny, changes)}, seeds=(0,))
    with pytest.raises(error, match=f"row 'wrong': {message}"):
        check_datasets(study.runs(), people.root, "mAP")


def test_ranks_of_random_draws_are_not_compared(
    people: ReidDataset, tiny: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one gallery image per person there is nothing to draw."""
    one_each = tuple({record.pid: record for record in people.gallery}.values())

    def read_drawn(root: Path) -> ReidDataset:
        """People with one gallery image each."""
        return replace(read_csv(root), gallery=one_each)

    monkeypatch.setitem(DATASETS, "drawn", read_drawn)

    def check(dataset: str, metric: str) -> None:
        row = Row(tiny, {"evaluation.protocol": "single-gallery-shot", "data.dataset": dataset})
        check_datasets(Study(rows={"x": row}).runs(), people.root, metric)

    check("csv", "mAP")
    check("drawn", "rank-1")
    with pytest.raises(ValueError, match="metric is rank-1, but people is scored by single-gallery-shot"):
        check("csv", "rank-1")


@pytest.mark.parametrize("metric", ["mAP", "rank-1"])
def test_classes_are_compared_by_their_own_scores(
    people: ReidDataset, class_images: Path, tiny: Recipe, metric: str
) -> None:
    study = Study(rows={"x": Row(CLASSES)}, metric="top-1")
    found = check_datasets(study.runs(), class_images, study.metric)
    assert found == {"class-folders": read_dataset("class-folders", class_images).fingerprint()}
    with pytest.raises(ValueError, match=f"metric is {metric}, but colours has classes; set it to top-1 or top-5"):
        check_datasets(study.runs(), class_images, metric)
    with pytest.raises(ValueError, match="metric is top-5, but people has people; set it to mAP or rank-1"):
        check_datasets(Study(rows={"x": Row(tiny)}).runs(), people.root, "top-5")


def test_what_is_there_already(tiny: Recipe, tmp_path: Path) -> None:
    done, stopped, missing = Study(rows={"a": Row(tiny)}).runs()
    write_run(done, tmp_path, [1.0])
    write_run(stopped, tmp_path, [1.0], epoch=1)
    fingerprints = {"csv": "fingerprint of csv", "csv@b": "fingerprint of csv@b"}
    assert [is_finished(run, tmp_path, fingerprints) for run in (done, stopped, missing)] == [True, False, False]
    with pytest.raises(ValueError, match="seed-0 was scored on another csv: its fingerprint was .* and is new now"):
        is_finished(done, tmp_path, {"csv": "new"})
    other = done._replace(recipe=replace(tiny, seed=0, evaluation=replace(tiny.evaluation, every=7)))
    with pytest.raises(ValueError, match="a/seed-0 is a run of another recipe; choose another folder"):
        is_finished(other, tmp_path, fingerprints)
    (several,) = Study(rows={"b": Row(tiny, {"evaluation.also": ["csv@b"]})}, seeds=(0,)).runs()
    write_run(several, tmp_path, [1.0], also=[[0.5]])
    assert is_finished(several, tmp_path, fingerprints)
    with pytest.raises(ValueError, match="was scored on another csv@b: its fingerprint was .*csv@b and is new now"):
        is_finished(several, tmp_path, fingerprints | {"csv@b": "new"})


def test_a_run_on_other_training_images_is_not_finished(tiny: Recipe, tmp_path: Path) -> None:
    """Which are another dataset than those that it is scored on."""
    row = Row(tiny, {"data.dataset": "csv@a+csv@b", "evaluation.dataset": "csv@c"})
    (run,) = Study(rows={"x": row}, seeds=(0,)).runs()
    write_run(run, tmp_path, [1.0])
    fingerprints = {name: f"fingerprint of {name}" for name in ("csv@a+csv@b", "csv@c")}
    assert is_finished(run, tmp_path, fingerprints)
    with pytest.raises(ValueError, match=r"was trained on another csv@a\+csv@b: its fingerprint was .* and is new now"):
        is_finished(run, tmp_path, fingerprints | {"csv@a+csv@b": "new"})


def test_fingerprints_of_what_is_trained_on(places: Path, tiny: Recipe) -> None:
    row = Row(tiny, {"data.dataset": "csv@a+csv@b", "evaluation.dataset": "csv@c"})
    found = check_datasets(Study(rows={"x": row}).runs(), places, "mAP")
    assert found == {name: read_dataset(name, places).fingerprint() for name in ("csv@a+csv@b", "csv@c")}


def test_a_run_of_other_code_is_not_finished(tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its seeds would be averaged with those of the file as it is now."""
    monkeypatch.chdir(tmp_path)
    code = Path("net.py")
    run = write_run_of_own_code("x", tiny, code, tmp_path / "runs")
    fingerprints = {"csv": "fingerprint of csv"}
    assert is_finished(run, tmp_path / "runs", fingerprints)
    code.write_text("SIZE = 7")
    with pytest.raises(ValueError, match=r"x/seed-0 is a run of another net\.py, of which .*seed-0/net\.py is a copy"):
        is_finished(run, tmp_path / "runs", fingerprints)
    code.unlink()
    assert is_finished(run, tmp_path / "runs", fingerprints)


def test_networks_that_are_yet_to_be_trained_are_tried(tiny: Recipe, tmp_path: Path) -> None:
    gone = {"model.backbone": "gone.py:Net", "model.width": None}
    study = Study(rows={"good": Row(tiny), "mine": Row(tiny, gone)}, seeds=(0,))
    with pytest.raises(ValueError, match=r"row 'mine': gone\.py:Net: the file gone\.py does not exist"):
        check_code(study.runs(), tmp_path, torch.device("cpu"))
    write_run(study.runs()[1], tmp_path, [1.0, 0.5])
    check_code(study.runs(), tmp_path, torch.device("cpu"))  # the run keeps a copy of its file
