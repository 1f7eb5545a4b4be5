"""Stopping and resuming gives what never stopping gives: weights, log and best checkpoint, bit for bit."""

import json
import os
import shutil
import signal
import time
from dataclasses import replace
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from safetensors.torch import load_file

from scalereid.data.records import ReidDataset
from scalereid.experiments.training import resume, train
from scalereid.models.genotype import Genotype
from scalereid.retrieval.per_query import PerQuery
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.recipe import (
    EvaluationSettings,
    MutualSettings,
    ObjectiveSettings,
    OptimizerSettings,
    Recipe,
    ScheduleSettings,
    SearchSettings,
)
from scalereid.runs.run import Run
from tests.conftest import TINY, same
from tests.experiments.processes import KillAt, finish, start

APPEND = ("scalereid.runs.run", "Run.append")


def assert_equal(one: Run, other: Run) -> None:
    """The same last and best weights, per-query scores, and log but for the time."""
    for file in ("last", "best"):
        left, right = (load_checkpoint(getattr(run, file)) for run in (one, other))
        assert same(left.model.state_dict(), right.model.state_dict())
        assert left.trained.epoch == right.trained.epoch
    logs = [[replace(entry, seconds=0.0).to_json() for entry in run.log()] for run in (one, other)]
    assert logs[0] == logs[1]
    files = [[run.per_query, *map(run.per_query_on, run.recipe().evaluation.also)] for run in (one, other)]
    for file_of_one, file_of_other in zip(*files, strict=True):
        kept = [PerQuery.load(file) for file in (file_of_one, file_of_other)]
        assert kept[0].average_precision.tolist() == kept[1].average_precision.tolist()


def wait_for_epoch(run: Run, epoch: int, process: ForkServerProcess) -> None:
    while len(run.log()) <= epoch:
        assert process.is_alive(), "the training ended before it could be stopped"
        time.sleep(0.01)


@pytest.fixture(scope="module", params=["sgd", "amsgrad"])
def whole(request: pytest.FixtureRequest, people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Four epochs without a stop."""
    recipe = replace(
        TINY,
        optimizer=OptimizerSettings(name=request.param, lr=0.01),
        schedule=ScheduleSettings(epochs=4, decay="cosine", warmup_epochs=1),
        evaluation=EvaluationSettings(every=2),
    )
    return train(recipe, data=people.root, out=tmp_path_factory.mktemp("whole") / "run")


@pytest.mark.parametrize(
    "how",
    [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM],
    ids=lambda how: how.name,
)
def test_a_run_stopped_somewhere(people: ReidDataset, tmp_path: Path, whole: Run, how: signal.Signals) -> None:
    stopped = Run(tmp_path / "stopped")
    process = start(whole.recipe(), people.root, stopped.folder)
    wait_for_epoch(stopped, 1, process)
    assert process.pid
    os.kill(process.pid, how)
    assert finish(process) == (-signal.SIGKILL if how == signal.SIGKILL else 130)
    assert len(stopped.log()) < 5
    left = [path.name for path in stopped.folder.iterdir() if ".partial" in path.name]
    assert not left or how == signal.SIGKILL
    epoch = load_checkpoint(stopped.folder).trained.epoch
    assert epoch is not None
    assert epoch >= 1  # the last finished epoch's weights, whether it was scored or not
    resume(stopped.folder)
    assert_equal(whole, stopped)


@pytest.fixture(scope="module")
def finetuned(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole run with everything in it: classifiers alone at first, triplets, an auxiliary branch, bfloat16, two targets."""
    folder = tmp_path_factory.mktemp("finetuned")
    small = replace(TINY, data=replace(TINY.data, image_size=(32, 16)), schedule=ScheduleSettings(epochs=1))
    first = train(small, data=people.root, out=folder / "first")
    recipe = replace(
        TINY,
        data=replace(small.data, images_per_person=4, images_per_person_from_epoch=1, patch=0.5, jitter=0.5),
        model=replace(small.model, initial_weights=str(first.folder)),
        objective=ObjectiveSettings(triplet=0.5, ratio=0.8, triplet_from_epoch=2, auxiliary=1.0),
        optimizer=OptimizerSettings(lr=0.01, precision="bfloat16"),
        schedule=ScheduleSettings(epochs=4, decay="cosine", classifier_only_epochs=1),
        evaluation=replace(TINY.evaluation, also=("csv@.",)),
    )
    whole = train(recipe, data=people.root, out=folder / "whole")
    shutil.move(first.folder, folder / "moved")  # resuming does not need the initial weights again
    return whole


TRAINING = "scalereid.experiments.course"
slow = partial(pytest.param, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    "moment",
    [
        KillAt(TRAINING, "save_state", 1),  # the untrained weights are there, no state
        slow(
            KillAt("scalereid.experiments.evaluator", "Evaluator.with_attributes", 3)
        ),  # the epoch is done, its score is not
        KillAt(TRAINING, "save_model", 4),  # between last and best
        KillAt("scalereid.experiments.evaluator", "Evaluator.score_also", 1),  # scored at home, not away
        KillAt(*APPEND, 3),  # weights saved, not logged
        slow(KillAt(TRAINING, "save_state", 3)),  # logged, state not saved
        slow(KillAt("scalereid.runs.log", "EpochLog.line", 3)),  # all saved, nothing said
    ],
)
def test_killed_at_the_worst_moments(people: ReidDataset, finetuned: Run, tmp_path: Path, moment: KillAt) -> None:
    killed = Run(tmp_path / "killed")
    moved = finetuned.folder.parent / "moved"
    recipe = finetuned.recipe()
    (finetuned.folder.parent / "first").symlink_to(moved)  # there to start with, but not to resume
    assert finish(start(recipe, people.root, killed.folder, moment)) == -signal.SIGKILL
    if killed.state.is_file():
        (finetuned.folder.parent / "first").unlink()
    resume(killed.folder)
    (finetuned.folder.parent / "first").unlink(missing_ok=True)
    assert_equal(finetuned, killed)


def test_a_run_killed_before_anything_was_saved(
    people: ReidDataset, tiny: Recipe, trained: Run, tmp_path: Path
) -> None:
    killed = Run(tmp_path / "killed")
    assert finish(start(tiny, people.root, killed.folder, KillAt(TRAINING, "save_model", 1))) == -signal.SIGKILL
    assert {path.name for path in killed.folder.iterdir()} == {"recipe.json", "dataset.json", "environment.json"}
    resume(killed.folder)
    assert_equal(trained, killed)


def test_averages_and_centres_go_on(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    """With all that has a state beside the weights; the last weights are the average, not those that are trained."""
    recipe = replace(
        tiny,
        data=replace(
            tiny.data, image_size=(32, 16), images_per_person=4, auto_augment=0.5, grey=0.2, jitter=0.5,
            jitter_strengths=(0.4, 0.4, 0.4, 0.1),
        ),
        model=replace(tiny.model, pooling="gem", neck="bnneck"),
        objective=ObjectiveSettings(triplet=0.5, circle=0.1, centre=0.01, self_distillation=0.5),
        optimizer=OptimizerSettings(lr=0.01, average=0.99),
        schedule=ScheduleSettings(epochs=3, decay="cosine"),
    )  # fmt: skip
    whole = train(recipe, data=people.root, out=tmp_path / "whole")
    assert finish(start(recipe, people.root, tmp_path / "killed", KillAt(*APPEND, 3))) == -signal.SIGKILL
    killed = resume(tmp_path / "killed")
    assert_equal(whole, killed)
    one, other = (load_file(run.state) for run in (whole, killed))
    assert same(one, other)
    assert one["objective.terms.centre.centres"].any()
    trained = one["objective.terms.self_distillation.classifier.classifier.weight"]
    assert (one["teacher.model.classifier.weight"] != trained).any()
    saved = load_checkpoint(whole.last).model.state_dict()
    assert same(saved, {name: one[f"average.model.{name}"] for name in saved})
    assert not same(saved, {name: one[f"model.{name}"] for name in saved})


def test_both_networks_of_mutual_learning_go_on(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    """Killed between the files of the second epoch: the peer's are of it, the network's of the one before."""
    recipe = replace(
        tiny,
        data=replace(tiny.data, image_size=(32, 16), images_per_person=4),
        objective=ObjectiveSettings(triplet=0.5),
        mutual=MutualSettings(weight=1.0, width=0.5),
        optimizer=OptimizerSettings(name="amsgrad", lr=0.002),
    )
    whole = train(recipe, data=people.root, out=tmp_path / "whole")
    killed = Run(tmp_path / "killed")
    assert finish(start(recipe, people.root, killed.folder, KillAt(TRAINING, "save_model", 6))) == -signal.SIGKILL
    assert [load_checkpoint(file).trained.epoch for file in (killed.peer, killed.both, killed.last)] == [1, 0, 0]
    resume(killed.folder)
    assert_equal(whole, killed)
    for file in ("peer", "both"):
        one, other = (load_checkpoint(getattr(run, file)) for run in (whole, killed))
        assert same(one.model.state_dict(), other.model.state_dict())
        assert one.trained.epoch == other.trained.epoch == 2


def test_a_resumed_search_finds_what_an_uninterrupted_one_finds(
    people: ReidDataset, tiny: Recipe, tmp_path: Path
) -> None:
    search = SearchSettings(samples=2, halve_every=1, bilevel=True)
    recipe = replace(
        tiny,
        data=replace(tiny.data, image_size=(32, 16), batch_size=36),
        model=replace(tiny.model, backbone="osnet_supernet_sampled", width=0.2),
        evaluation=replace(tiny.evaluation, every=2),
        search=search,
    )
    whole = train(recipe, data=people.root, out=tmp_path / "whole")
    assert finish(start(recipe, people.root, tmp_path / "killed", KillAt(*APPEND, 2))) == -signal.SIGKILL
    killed = resume(tmp_path / "killed")
    assert_equal(whole, killed)
    assert Genotype.load(whole.genotype) == Genotype.load(killed.genotype)
    assert "osnet_supernet_sampled on people" in Genotype.load(whole.genotype).origin
    logged = [entry.search for entry in whole.log() if entry.search]
    assert [list(block) for block in logged[0].probabilities] == [[0.25] * 4] * 6
    assert logged[-1].probabilities != logged[1].probabilities
    assert all(sum(block) == pytest.approx(1) for block in logged[-1].probabilities)


def test_resuming_a_finished_run_changes_nothing(people: ReidDataset, trained: Run, tmp_path: Path) -> None:
    run = Run(shutil.copytree(trained.folder, tmp_path / "x"))
    resume(run.folder, data=people.root)
    assert run.last.read_bytes() == trained.last.read_bytes()
    assert run.log_file.read_text() == trained.log_file.read_text()


@pytest.fixture(scope="module")
def steps(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """A run of two epochs, and one of four from the start, whose learning rate falls in steps after a warm-up."""
    settings = ScheduleSettings(decay="step", steps=(1, 3), warmup_epochs=1)
    recipe = replace(TINY, data=replace(TINY.data, image_size=(32, 16)), optimizer=OptimizerSettings(lr=0.01))
    folder = tmp_path_factory.mktemp("steps")
    two, four = (
        train(replace(recipe, schedule=replace(settings, epochs=n)), data=people.root, out=folder / f"{n}")
        for n in (2, 4)
    )
    return two, four


def test_a_finished_run_is_extended_to_what_it_had_been_with_more_epochs(
    steps: tuple[Run, Run], tmp_path: Path
) -> None:
    two, four = steps
    run = Run(shutil.copytree(two.folder, tmp_path / "x"))
    assert resume(run.folder, epochs=4) == run
    assert_equal(four, run)
    assert run.recipe() == four.recipe()
    recipes = [load_checkpoint(each.last).recipe for each in (run, four)]
    assert recipes[0] == recipes[1]
    (entry,) = json.loads(run.history.read_text())
    assert (entry["epoch"], Recipe.from_json(entry["recipe"])) == (2, two.recipe())
    resume(run.folder, epochs=4)  # again: nothing is left to do
    resume(run.folder)
    assert len(json.loads(run.history.read_text())) == 1
    assert not four.history.exists()


def test_an_extension_that_was_killed_goes_on(steps: tuple[Run, Run], tmp_path: Path) -> None:
    """Between the history and the recipe, and then in the middle of an epoch."""
    two, four = steps
    run = Run(shutil.copytree(two.folder, tmp_path / "x"))
    run.history.write_text(json.dumps([{"epoch": 2, "recipe": two.recipe().to_json()}]))
    resume(run.folder, epochs=3)
    assert run.log()[-1].epoch == 3
    resume(run.folder, epochs=4)
    assert_equal(four, run)
    assert [entry["epoch"] for entry in json.loads(run.history.read_text())] == [2, 3]


def test_what_cannot_be_extended_says_why(steps: tuple[Run, Run], trained: Run, tmp_path: Path) -> None:
    run = Run(shutil.copytree(steps[0].folder, tmp_path / "x"))
    with pytest.raises(ValueError, match="epochs is 1, but .*x is trained for 2; choose more than 2"):
        resume(run.folder, epochs=1)
    run.state.unlink()
    with pytest.raises(
        FileNotFoundError,
        match=r"resume\.safetensors does not exist, without which the training of 2 epochs .* would be overwritten",
    ):
        resume(run.folder, epochs=4)
    assert not run.history.exists()
    with pytest.raises(
        ValueError,
        match=r"from 2 to 4 epochs: schedule\.decay is cosine, .* over all 2 epochs.*model\.initial_weights=",
    ):
        resume(trained.folder, epochs=4)


def test_a_run_knows_where_its_images_have_moved(people: ReidDataset, trained: Run, tmp_path: Path) -> None:
    """The command that goes on after the next stop, and the one that reports on the run, take them from there."""
    run, moved = Run(shutil.copytree(trained.folder, tmp_path / "x")), shutil.copytree(people.root, tmp_path / "moved")
    resume(run.folder, data=moved)
    assert run.dataset().data == run.dataset().source.root == run.dataset().target.root == str(moved)
    assert run.dataset().source.fingerprint == trained.dataset().source.fingerprint
    resume(run.folder)


def test_resuming_with_other_images_is_refused(trained: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(trained.folder, tmp_path / "x")
    recorded = json.loads((folder / "dataset.json").read_text())
    recorded["source"]["fingerprint"] = "000000000000"
    (folder / "dataset.json").write_text(json.dumps(recorded))
    with pytest.raises(ValueError, match="is not what .* was trained on: .* recorded is 000000000000"):
        resume(folder)


def test_what_is_not_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="is not a run"):
        resume(tmp_path)


if os.name == "nt":
    pytestmark = pytest.mark.skip("signals are sent as on Unix")
