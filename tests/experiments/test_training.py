import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from scalereid.data.records import ReidDataset, tracklet_of
from scalereid.experiments import training as experiment
from scalereid.experiments.evaluation import How, evaluate
from scalereid.models.building import build_model
from scalereid.models.genotype import Genotype
from scalereid.progress import Progress
from scalereid.retrieval.scores import score
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.recipe import (
    DataSettings,
    EvaluationSettings,
    ObjectiveSettings,
    OptimizerSettings,
    Recipe,
    ScheduleSettings,
    SearchSettings,
)
from scalereid.runs.run import Run
from tests.conftest import TINY, same


@pytest.fixture
def quiet() -> Progress:
    return Progress(Console(quiet=True))


def test_a_run_holds_all_it_takes_to_understand_it(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress
) -> None:
    run = experiment.train(tiny, data=people.root, out=tmp_path / "x", progress=quiet)
    assert run.recipe() == tiny
    assert run.dataset()["fingerprint"] == people.fingerprint()
    assert run.dataset()["counts"]["train"] == {"people": 6, "images": 72, "cameras": 4, "tracklets": 0}
    (environment,) = json.loads((run.folder / "environment.json").read_text())
    assert environment["torch"] == torch.__version__
    log = run.epochs()
    assert [entry["epoch"] for entry in log] == [0, 1, 2]
    assert all({"mAP", "cmc", "queries_without_match", "distance"} <= entry["scores"].keys() for entry in log)
    assert log[1]["total"] > 0
    assert log[1]["learning_rate"] == tiny.optimizer.lr


def test_evaluating_a_run_gives_the_scores_of_its_log(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress
) -> None:
    run = experiment.train(tiny, data=people.root, out=tmp_path / "x", progress=quiet)
    scores = [entry["scores"]["mAP"] for entry in run.epochs()]
    last = evaluate(run.folder, data=people.root, progress=quiet)
    assert last.scores.mAP == scores[-1]
    assert last.image_size == (64, 32)
    assert last.to_json()["dataset"]["fingerprint"] == people.fingerprint()
    best = evaluate(run.best, data=people.root, progress=quiet)
    assert best.scores.mAP == max(scores)
    assert load_checkpoint(run.best).about["epoch"] == int(np.argmax(scores))
    assert "osnet_x0_25" in str(last)
    assert "16 queries, 32 gallery images; cosine distance, market1501 protocol, 64×32" in str(last)


@pytest.mark.parametrize("optimizer", ["sgd", "amsgrad"])
def test_two_runs_are_equal_bit_for_bit(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress, optimizer: str
) -> None:
    recipe = replace(tiny, optimizer=OptimizerSettings(name=optimizer, lr=0.01))  # type: ignore[arg-type]
    one, two, other = (
        experiment.train(replace(recipe, seed=seed), data=people.root, out=tmp_path / name, progress=quiet)
        for name, seed in (("one", 3), ("two", 3), ("other", 4))
    )
    states = [load_checkpoint(run.last).model.state_dict() for run in (one, two, other)]
    assert same(states[0], states[1])
    assert not same(states[0], states[2])


def start(recipe: Recipe, data: Path, out: Path, before: str = "") -> subprocess.Popen[bytes]:
    """The training as a process of its own, with some code run `before`."""
    code = before + (
        "import json, sys; from pathlib import Path; from scalereid.experiments import training as experiment;"
        "from scalereid.runs.recipe import Recipe;"
        "from scalereid.progress import Progress; from scalereid.training.loop import Interrupted\n"
        f"recipe = Recipe.from_json(json.loads({json.dumps(json.dumps(asdict(recipe)))}))\n"
        f"try: experiment.train(recipe, data=Path({str(data)!r}), out=Path({str(out)!r}), progress=Progress())\n"
        "except Interrupted: sys.exit(130)"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)


def assert_equal(one: Run, other: Run) -> None:
    """The same last and best weights, and the same log but for the time."""
    for file in ("last", "best"):
        left, right = (load_checkpoint(getattr(run, file)) for run in (one, other))
        assert same(left.model.state_dict(), right.model.state_dict())
        assert left.about["epoch"] == right.about["epoch"]

    def but_time(run: Run) -> list[dict[str, object]]:
        return [{key: value for key, value in entry.items() if key != "seconds"} for entry in run.epochs()]

    assert but_time(one) == but_time(other)


def wait_for_epoch(run: Run, epoch: int, process: subprocess.Popen[bytes]) -> None:
    while len(run.epochs()) <= epoch:
        assert process.poll() is None, "the training ended before it could be stopped"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("how", "optimizer"),
    [(signal.SIGKILL, "sgd"), (signal.SIGKILL, "amsgrad"), (signal.SIGINT, "sgd"), (signal.SIGTERM, "amsgrad")],
)
def test_stopping_and_resuming_gives_what_never_stopping_gives(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress, how: signal.Signals, optimizer: str
) -> None:
    """Killed, or asked to stop, somewhere in the middle: the weights, the log and the best checkpoint are the same."""
    recipe = replace(
        tiny,
        optimizer=OptimizerSettings(name=optimizer, lr=0.01),  # type: ignore[arg-type]
        schedule=ScheduleSettings(epochs=6, decay="cosine", warmup_epochs=1),
        evaluation=EvaluationSettings(every=2),
    )
    whole = experiment.train(recipe, data=people.root, out=tmp_path / "whole", progress=quiet)
    stopped = Run(tmp_path / "stopped")
    process = start(recipe, people.root, stopped.folder)
    wait_for_epoch(stopped, 2, process)
    process.send_signal(how)
    assert process.wait(60) == (-signal.SIGKILL if how == signal.SIGKILL else 130)
    assert len(stopped.epochs()) < 7
    assert not any(path.name.endswith(".partial") for path in stopped.folder.iterdir()) or how == signal.SIGKILL
    assert load_checkpoint(stopped.folder).about["epoch"] >= 2  # the last finished epoch's, scored or not
    experiment.resume(stopped.folder, progress=quiet)
    assert_equal(whole, stopped)


@pytest.fixture(scope="module")
def finetuned(people: ReidDataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole run with everything in it: classifiers alone at first, a triplet phase, an auxiliary branch, bfloat16."""
    folder, quiet = tmp_path_factory.mktemp("finetuned"), Progress(Console(quiet=True))
    dslnet = replace(TINY, model=replace(TINY.model, backbone="dslnet", width=0.2))
    first = experiment.train(dslnet, data=people.root, out=folder / "first", progress=quiet)
    recipe = replace(
        TINY,
        data=replace(TINY.data, images_per_person=4, patch=0.5, jitter=0.5),
        model=replace(dslnet.model, initial_weights=str(first.folder)),
        objective=ObjectiveSettings(triplet=0.5, ratio=0.8, triplet_from_epoch=2, auxiliary=1.0),
        optimizer=OptimizerSettings(lr=0.01, precision="bfloat16"),
        schedule=ScheduleSettings(epochs=4, decay="cosine", classifier_only_epochs=1),
    )
    return experiment.train(recipe, data=people.root, out=folder / "whole", progress=quiet)


def test_a_resumed_search_finds_what_an_uninterrupted_one_finds(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress
) -> None:
    search = SearchSettings(samples=2, halve_every=1, bilevel=True)
    recipe = replace(tiny, model=replace(tiny.model, backbone="osnet_supernet_sampled", width=0.2), search=search)
    whole = experiment.train(recipe, data=people.root, out=tmp_path / "whole", progress=quiet)
    process = start(recipe, people.root, tmp_path / "killed", before=KILL + "kill_at(Run, 'append', 2)\n")
    assert process.wait(120) == -signal.SIGKILL
    killed = experiment.resume(tmp_path / "killed", progress=quiet)
    assert_equal(whole, killed)
    assert Genotype.load(whole.genotype) == Genotype.load(killed.genotype)
    assert "osnet_supernet_sampled on people" in Genotype.load(whole.genotype).origin
    logged = [entry["search"] for entry in whole.epochs()]
    assert logged[0]["probabilities"] == [[0.25] * 4] * 6
    assert logged[-1]["probabilities"] != logged[1]["probabilities"]
    assert all(sum(block) == pytest.approx(1) for block in logged[-1]["probabilities"])


def test_losses_of_every_part_are_logged(finetuned: Run) -> None:
    for entry in finetuned.epochs()[1:]:
        parts = entry["cross_entropy"] + entry["auxiliary"] + (0.5 * entry["triplet"] if entry["epoch"] > 2 else 0.0)
        assert entry["total"] == pytest.approx(parts, rel=1e-5)
        assert entry["hardest_negative"] > 0
        assert entry["hardest_positive"] > 0


def test_classifiers_and_auxiliary_branch_stay_in_training(finetuned: Run, people: ReidDataset) -> None:
    loaded = load_checkpoint(finetuned.folder)
    plain = build_model("dslnet", width=0.2, embedding_size=32)
    assert set(loaded.report.matched) == plain.state_dict().keys()
    assert evaluate(finetuned.folder, data=people.root, progress=Progress(Console(quiet=True))).scores.queries == 16


KILL = """
import os, scalereid.experiments.training as experiment
from scalereid.runs.run import Run

def kill_at(place, name, call):
    original, calls = getattr(place, name), []
    def counted(*positional, **named):
        calls.append(1)
        if len(calls) == call:
            os.kill(os.getpid(), 9)
        return original(*positional, **named)
    setattr(place, name, counted)

"""


@pytest.mark.parametrize(
    "place",
    [
        "experiment, 'save_model', 1",  # the run exists, nothing is saved
        "experiment, 'save_training', 1",  # the untrained weights are there, no state
        "experiment._Experiment, 'score', 3",  # the epoch is done, its score is not
        "experiment, 'save_model', 4",  # between last and best
        "Run, 'append', 3",  # weights saved, not logged
        "experiment, 'save_training', 3",  # logged, state not saved
        "experiment, '_line', 3",  # all saved, nothing said
    ],
)
def test_killed_at_the_worst_moments(
    people: ReidDataset, finetuned: Run, tmp_path: Path, quiet: Progress, place: str
) -> None:
    killed = Run(tmp_path / "killed")
    process = start(finetuned.recipe(), people.root, killed.folder, before=KILL + f"kill_at({place})\n")
    assert process.wait(60) == -signal.SIGKILL
    experiment.resume(killed.folder, progress=quiet)
    assert_equal(finetuned, killed)


def test_resuming_does_not_need_the_initial_weights_again(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress
) -> None:
    first = experiment.train(tiny, data=people.root, out=tmp_path / "first", progress=quiet)
    recipe = replace(
        tiny,
        model=replace(tiny.model, initial_weights=str(first.folder)),
        schedule=ScheduleSettings(epochs=3, classifier_only_epochs=1),
    )
    whole = experiment.train(recipe, data=people.root, out=tmp_path / "whole", progress=quiet)
    killed = Run(tmp_path / "killed")
    process = start(recipe, people.root, killed.folder, before=KILL + "kill_at(Run, 'append', 3)\n")
    assert process.wait(60) == -signal.SIGKILL
    first.folder.rename(tmp_path / "moved")
    experiment.resume(killed.folder, progress=quiet)
    assert_equal(whole, killed)


def test_an_existing_run_is_refused_before_any_work(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress
) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "file").touch()
    with pytest.raises(FileExistsError, match="exists; name another folder"):
        experiment.train(tiny, data=people.root / "no dataset here", out=tmp_path / "x", progress=quiet)


def test_what_fails_before_the_run_leaves_no_run(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress
) -> None:
    recipe = replace(tiny, data=replace(tiny.data, batch_size=73))
    with pytest.raises(ValueError, match="72 training images do not fill one batch of 73"):
        experiment.train(recipe, data=people.root, out=tmp_path / "x", progress=quiet)
    assert not (tmp_path / "x").exists()


def test_resuming_a_finished_run_changes_nothing(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress
) -> None:
    run = experiment.train(tiny, data=people.root, out=tmp_path / "x", progress=quiet)
    before = run.last.read_bytes(), run.log.read_text()
    experiment.resume(run.folder, data=people.root, progress=quiet)
    assert (run.last.read_bytes(), run.log.read_text()) == before


def test_resuming_with_other_images_is_refused(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress
) -> None:
    run = experiment.train(tiny, data=people.root, out=tmp_path / "x", progress=quiet)
    recorded = json.loads((run.folder / "dataset.json").read_text())
    (run.folder / "dataset.json").write_text(json.dumps(recorded | {"fingerprint": "000000000000"}))
    with pytest.raises(ValueError, match="is not what .* was trained on"):
        experiment.resume(run.folder, progress=quiet)


def test_a_dataset_that_cannot_be_scored_fails_before_training(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress
) -> None:
    table = (people.root / "dataset.csv").read_text().splitlines()
    one_camera = [table[0], *(line for line in table[1:] if line.startswith("train") or line.endswith(",1"))]
    file = people.root / "one_camera.csv"
    file.write_text("\n".join(one_camera))
    with pytest.raises(ValueError, match="gallery images have one camera"):
        experiment.train(tiny, data=file, out=tmp_path / "x", progress=quiet)
    file.unlink()
    assert not (tmp_path / "x").exists()


def test_training_images_alone_are_enough(people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress) -> None:
    table = (people.root / "dataset.csv").read_text().splitlines()
    file = people.root / "train_only.csv"
    file.write_text("\n".join([table[0], *(line for line in table[1:] if line.startswith("train"))]))
    run = experiment.train(tiny, data=file, out=tmp_path / "x", progress=quiet)
    file.unlink()
    assert "scores" not in run.epochs()[-1]
    assert load_checkpoint(run.folder).about["epoch"] == 2
    assert not run.best.exists()


def test_starting_from_trained_weights(people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress) -> None:
    first = experiment.train(tiny, data=people.root, out=tmp_path / "first", progress=quiet)
    recipe = replace(
        tiny,
        model=replace(tiny.model, initial_weights=str(first.folder)),
        schedule=ScheduleSettings(epochs=2, classifier_only_epochs=1),
    )
    second = experiment.train(recipe, data=people.root, out=tmp_path / "second", progress=quiet)
    scores = [entry["scores"]["mAP"] for entry in second.epochs()]
    assert scores[0] == scores[1] == first.epochs()[-1]["scores"]["mAP"]  # only the classifier was trained
    assert not same(load_checkpoint(first.last).model.state_dict(), load_checkpoint(second.last).model.state_dict())


def test_settings_that_make_no_sense_are_refused(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress
) -> None:
    for recipe, message in (
        (replace(tiny, schedule=ScheduleSettings(classifier_only_epochs=5)), "makes sense for trained weights only"),
        (replace(tiny, data=DataSettings(dataset="nope")), "there is no 'nope'; there are market1501"),
        (replace(tiny, model=replace(tiny.model, backbone="vgg")), "there is no 'vgg'; there are osnet_x1_0"),
    ):
        with pytest.raises(ValueError, match=message):
            experiment.train(recipe, data=people.root, out=tmp_path / "x", progress=quiet)
    assert not (tmp_path / "x").exists()


def test_evaluating_released_weights_needs_a_dataset_name(
    people: ReidDataset, tmp_path: Path, quiet: Progress, released_state: object
) -> None:
    assert callable(released_state)
    state = {name: torch.as_tensor(value) for name, value in released_state("osnet_x0_25").items()}
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(ValueError, match="does not say what to evaluate it on"):
        evaluate(str(tmp_path / "x.pth"), data=people.root, progress=quiet)
    scored = evaluate(str(tmp_path / "x.pth"), data=people.root, dataset="csv", how=How(flip=True), progress=quiet)
    assert scored.image_size == (256, 128)
    assert "256×128, mirrored too" in str(scored)


def test_tracklets_are_embedded_as_their_mean(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress
) -> None:
    """Query and gallery of two images a tracklet: the scores are those of the mean embeddings, and the report shows them."""
    lines = ["split,path,pid,camid,tracklet"]
    for split, records in people.splits.items():
        for i, r in enumerate(records):
            number = "" if split == "train" else 100 * r.pid + 10 * r.camid + (i % 3) // 2 + 5 * (split == "gallery")
            lines.append(f"{split},{r.path},{r.pid},{r.camid},{number}")
    (tmp_path / "dataset.csv").write_text("\n".join(lines))
    recipe = replace(tiny, schedule=replace(tiny.schedule, epochs=1))
    run = experiment.train(recipe, data=tmp_path, out=tmp_path / "x", progress=quiet)
    scored = evaluate(run.folder, data=tmp_path, progress=quiet)
    tracklets = scored.dataset.counts()["gallery"].tracklets
    assert 0 < tracklets < len(people.gallery)
    assert len(scored.gallery) == tracklets
    assert f"{tracklets} gallery images and tracklets" in str(scored)
    single = evaluate(run.folder, data=people.root, dataset="csv", progress=quiet)
    groups = tracklet_of(scored.dataset.gallery)
    expected = torch.stack([single.gallery[groups == i].mean(dim=0) for i in range(tracklets)])
    torch.testing.assert_close(scored.gallery, expected, rtol=1e-4, atol=1e-5)
    assert scored.scores.mAP == run.epochs()[-1]["scores"]["mAP"]
    assert scored.rank().indices.max() < tracklets


def test_warnings_are_said_before_training(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    lines = (people.root / "dataset.csv").read_text().splitlines()
    copied = next(line for line in lines if line.startswith("gallery")).replace("gallery", "train", 1)
    file = people.root / "leaky.csv"
    file.write_text("\n".join([*lines, copied]))
    console = Console(record=True, width=200, file=io.StringIO())
    recipe = replace(tiny, schedule=replace(tiny.schedule, epochs=1))
    experiment.train(recipe, data=file, out=tmp_path / "x", progress=Progress(console))
    text = console.export_text()
    assert "warning: 1 people are on the training and on the test side" in text
    assert text.index("warning") < text.index("epoch 0")
    assert "note" not in text


def test_what_is_left_out_is_said_and_recorded(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    lines = (people.root / "dataset.csv").read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("gallery"))
    split, path, _, camid = lines[first].split(",")
    file = people.root / "junk.csv"
    file.write_text("\n".join([*lines[:first], f"{split},{path},-1,{camid}", *lines[first + 1 :]]))
    console = Console(record=True, width=200, file=io.StringIO())
    recipe = replace(tiny, schedule=replace(tiny.schedule, epochs=1))
    run = experiment.train(recipe, data=file, out=tmp_path / "x", progress=Progress(console))
    assert "left out: 1 junk (pid −1) listed as gallery" in console.export_text()
    assert run.dataset()["left_out"]["junk (pid −1) listed as gallery"] == 1
    assert "left out: 1 junk (pid −1) listed as gallery" in str(
        evaluate(run.folder, data=file, progress=Progress(console))
    )


def test_another_protocol(people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress) -> None:
    recipe = replace(
        tiny,
        schedule=replace(tiny.schedule, epochs=1),
        evaluation=replace(tiny.evaluation, protocol="all-cameras"),
    )
    run = experiment.train(recipe, data=people.root, out=tmp_path / "x", progress=quiet)
    assert run.epochs()[-1]["scores"]["protocol"] == "all-cameras"
    scored = evaluate(run.folder, data=people.root, progress=quiet)
    assert scored.scores.to_json() == run.epochs()[-1]["scores"]
    market = evaluate(run.folder, data=people.root, how=How(protocol="market1501"), progress=quiet)
    assert "market1501 protocol" in str(market)
    assert market.scores.mAP != scored.scores.mAP
    shifted = tmp_path / "elsewhere"
    shifted.mkdir()
    lines = (people.root / "dataset.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines[1:]]
    moved = [",".join([split, str(people.root / path), *rest]) for split, path, *rest in rows]
    (shifted / "dataset.csv").write_text("\n".join([lines[0], *moved]))
    other = evaluate(run.folder, data=tmp_path, dataset="csv@elsewhere", progress=quiet)
    assert other.scores.protocol == "market1501"  # another dataset's own, whatever the recipe says of its own
    trapezoid = evaluate(run.folder, data=people.root, how=How(average_precision="trapezoid"), progress=quiet)
    assert trapezoid.scores.mAP < scored.scores.mAP


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_training_and_resuming_on_a_gpu(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, quiet: Progress, precision: str
) -> None:
    recipe = replace(tiny, optimizer=OptimizerSettings(lr=0.02, precision=precision))  # type: ignore[arg-type]
    run = experiment.train(recipe, data=people.root, out=tmp_path / "x", device="cuda", progress=quiet)
    scores = [
        evaluate(run.folder, data=people.root, device=device, progress=quiet).scores for device in ("cuda", "cpu")
    ]
    assert scores[0].mAP == pytest.approx(scores[1].mAP, abs=0.05)
    process = start(recipe, people.root, tmp_path / "y", before=KILL + "kill_at(Run, 'append', 2)\n")
    assert process.wait(120) == -signal.SIGKILL
    assert experiment.resume(tmp_path / "y", device="cuda", progress=quiet).epochs()[-1]["epoch"] == 2


@pytest.mark.data
@pytest.mark.parametrize(
    ("weights", "expected"),  # rank-1, rank-5 and mAP, measured with torchreid's own model and formula
    [
        ("msmt17", {"euclidean": (62.75, 78.73, 38.66), "cosine": (61.84, 78.58, 40.75)}),
        ("market1501", {"cosine": (99.85, 99.85, 99.76)}),
    ],
)
def test_real_weights_on_real_images(
    data_root: Path, quiet: Progress, weights: str, expected: dict[Any, tuple[float, float, float]]
) -> None:
    file = data_root / "weights" / f"osnet_x0_25_{weights}.pth"
    scored = evaluate(file, data=data_root, dataset="market1501-dev", how=How(distance="cosine"), progress=quiet)
    for distance, (rank1, rank5, mean) in expected.items():
        scores = score(scored.query, scored.gallery, distance=distance, **scored.labels)
        assert distance != "cosine" or scores.mAP == scored.scores.mAP
        assert 100 * scores.rank(1) == pytest.approx(rank1, abs=0.16)  # one query of 663
        assert 100 * scores.rank(5) == pytest.approx(rank5, abs=0.16)
        assert 100 * scores.mAP == pytest.approx(mean, abs=0.02)
        assert scores.queries_without_match == 6


if os.name == "nt":
    pytestmark = pytest.mark.skip("signals are sent as on Unix")
