import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from scalereid.data.records import ReidDataset
from scalereid.experiments.evaluation import evaluate
from scalereid.experiments.training import resume, train
from scalereid.models.building import build_model
from scalereid.progress import Progress
from scalereid.retrieval.per_query import PerQuery
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.recipe import (
    DataSettings,
    EvaluationSettings,
    ModelSettings,
    MutualSettings,
    OptimizerSettings,
    Recipe,
    ScheduleSettings,
)
from scalereid.runs.run import Run
from tests.conftest import same
from tests.experiments.processes import KillAt, finish, start


def write_table(file: Path, people: ReidDataset, keep: str = "train query gallery", add: tuple[str, ...] = ()) -> Path:
    """A table of some splits of `people`, and of other lines."""
    head, *lines = (people.root / "dataset.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines if line.split(",")[0] in keep.split()]
    moved = [",".join([split, str(people.root / path), *rest]) for split, path, *rest in rows]
    file.write_text("\n".join([head, *moved, *add]))
    return file


def test_a_run_holds_all_it_takes_to_understand_it(people: ReidDataset, tiny: Recipe, trained: Run) -> None:
    assert trained.recipe() == tiny
    facts = trained.dataset()
    assert facts.source == facts.target
    assert facts.source.fingerprint == people.fingerprint()
    assert facts.source.counts["train"]._asdict() == {"people": 6, "images": 72, "cameras": 4, "tracklets": 0}
    (environment,) = json.loads((trained.folder / "environment.json").read_text())
    assert environment["torch"] == torch.__version__
    log = trained.log()
    assert [entry.epoch for entry in log] == [0, 1, 2]
    assert all(entry.scores and entry.scores.distance == "cosine" for entry in log)
    assert log[1].losses["total"] > 0
    assert log[1].learning_rate == tiny.optimizer.lr


def test_the_last_epochs_scores_are_kept_query_by_query(people: ReidDataset, trained: Run) -> None:
    kept, scores = PerQuery.load(trained.per_query), trained.log()[-1].scores
    assert scores
    assert kept.pids.tolist() == [record.pid for record in people.query]
    assert kept.average_precision.mean() == pytest.approx(scores.mAP, abs=1e-12)
    assert (kept.first_match == 1).mean() == scores.rank(1)


def test_the_last_weights_are_scored_elsewhere_too(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, trained: Run
) -> None:
    """The training is the same to the bit; in the log the last epoch alone has these scores, which `evaluate` gives, too."""
    for name, keep in (("home", "train query gallery"), ("away", "query gallery")):
        (tmp_path / name).mkdir()
        write_table(tmp_path / name / "dataset.csv", people, keep)
    (tmp_path / "few").mkdir()
    few = (tmp_path / "away" / "dataset.csv").read_text().splitlines()
    (tmp_path / "few" / "dataset.csv").write_text("\n".join([few[0], *few[3:]]))
    recipe = replace(
        tiny,
        data=replace(tiny.data, dataset="csv@home"),
        evaluation=replace(tiny.evaluation, also=("csv@away", "csv@few")),
    )
    console = Console(record=True, width=200, file=io.StringIO())
    run = train(recipe, data=tmp_path, out=tmp_path / "x", progress=Progress(console))
    assert same(load_checkpoint(run.last).model.state_dict(), load_checkpoint(trained.last).model.state_dict())
    first, second, last = run.log()
    assert first.also_scores == second.also_scores == {}
    assert list(last.also_scores) == ["csv@away", "csv@few"]
    assert last.scores
    assert last.also_scores["csv@away"].to_json() == last.scores.to_json()  # the same images
    again = evaluate(run.folder, data=tmp_path, dataset="csv@few")
    assert last.also_scores["csv@few"].to_json() == again.scores.to_json()
    kept = PerQuery.load(run.per_query_on("csv@away"))
    assert kept.average_precision.tolist() == PerQuery.load(run.per_query).average_precision.tolist()
    assert len(PerQuery.load(run.per_query_on("csv@few")).pids) == 14
    assert [facts.name for facts in run.dataset().targets] == ["home", "away", "few"]
    assert f"; csv@away: mAP {last.scores.mAP:.2%}, rank-1" in console.export_text()
    assert evaluate(run.folder, data=tmp_path).dataset.name == "home"
    (tmp_path / "few" / "dataset.csv").write_text("\n".join(few))
    with pytest.raises(ValueError, match="few is not what .*x was trained on: its fingerprint is"):
        resume(run.folder)


@pytest.mark.parametrize("optimizer", ["sgd", "amsgrad"])
def test_two_runs_are_equal_bit_for_bit(people: ReidDataset, tiny: Recipe, tmp_path: Path, optimizer: str) -> None:
    recipe = replace(
        tiny,
        data=replace(tiny.data, image_size=(32, 16)),
        optimizer=OptimizerSettings(name=optimizer, lr=0.01),  # type: ignore[arg-type]
        schedule=ScheduleSettings(epochs=1),
    )
    one, two, other = (
        load_checkpoint(
            train(replace(recipe, seed=seed), data=people.root, out=tmp_path / name).last
        ).model.state_dict()
        for name, seed in (("one", 3), ("two", 3), ("other", 4))
    )
    assert same(one, two)
    assert not same(one, other)


def test_the_best_epoch_is_that_of_the_metric_asked_for(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    recipe = replace(
        tiny,
        data=replace(tiny.data, image_size=(32, 16)),
        evaluation=EvaluationSettings(every=1, best="rank-1"),
        schedule=ScheduleSettings(epochs=3),
    )
    run = train(recipe, data=people.root, out=tmp_path / "x")
    values = [entry.scores.rank(1) for entry in run.log() if entry.scores]
    assert load_checkpoint(run.best).trained.epoch == values.index(max(values))


def test_an_existing_run_is_refused_before_any_work(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "file").touch()
    with pytest.raises(FileExistsError, match="x exists; choose another name"):
        train(tiny, data=people.root / "no dataset here", out=tmp_path / "x")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data": DataSettings(dataset="csv", image_size=(64, 32), batch_size=73)},
            "72 training images do not fill one batch",
        ),
        (
            {"schedule": ScheduleSettings(classifier_only_epochs=5)},
            "schedule.classifier_only_epochs is 5, .* set model.initial_weights",
        ),
        ({"data": DataSettings(dataset="nope")}, "No such name: 'nope'. Choose from market1501"),
        ({"optimizer": OptimizerSettings(name="adam")}, "recipe.optimizer.name is 'adam'; choose from sgd, amsgrad"),  # type: ignore[arg-type]
    ],
)
def test_what_fails_before_the_run_leaves_no_run(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        train(replace(tiny, **changes), data=people.root, out=tmp_path / "x")  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


def test_a_dataset_that_cannot_be_scored_fails_before_training(
    people: ReidDataset, tiny: Recipe, tmp_path: Path
) -> None:
    file = write_table(tmp_path / "one_camera.csv", people)
    lines = file.read_text().splitlines()
    file.write_text(
        "\n".join([lines[0], *(line for line in lines[1:] if line.startswith("train") or line.endswith(",1"))])
    )
    with pytest.raises(ValueError, match="all images have one camera"):
        train(tiny, data=file, out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_training_images_alone_are_enough(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    file = write_table(tmp_path / "train_only.csv", people, keep="train")
    run = train(replace(tiny, schedule=ScheduleSettings(epochs=1)), data=file, out=tmp_path / "x")
    assert run.log()[-1].scores is None
    assert load_checkpoint(run.folder).trained.epoch == 1
    assert not run.best.exists()
    assert not run.per_query.exists()


def test_starting_from_trained_weights(people: ReidDataset, tiny: Recipe, tmp_path: Path, trained: Run) -> None:
    recipe = replace(
        tiny,
        model=replace(tiny.model, initial_weights=str(trained.folder)),
        schedule=ScheduleSettings(epochs=2, classifier_only_epochs=1),
    )
    second = train(recipe, data=people.root, out=tmp_path / "second")
    scores = [entry.scores.mAP for entry in (*second.log(), trained.log()[-1]) if entry.scores]
    assert scores[0] == scores[1] == scores[-1]  # only the classifier was trained
    assert not same(load_checkpoint(trained.last).model.state_dict(), load_checkpoint(second.last).model.state_dict())


def test_mutual_learning_leaves_two_networks_and_both_as_one(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    """Each scored by itself, in a file that any command takes; `last` and `best` are of the first."""
    recipe = replace(
        tiny,
        data=replace(tiny.data, image_size=(32, 16)),
        mutual=MutualSettings(weight=1.0, backbone="mobilenetv2", width=0.25),
        schedule=ScheduleSettings(epochs=1),
    )
    run = train(recipe, data=people.root, out=tmp_path / "x")
    network, peer, both = (load_checkpoint(file) for file in (run.last, run.peer, run.both))
    assert [loaded.report.backbone for loaded in (network, peer, both)] == [
        "osnet_one_stream",
        "mobilenetv2",
        "osnet_one_stream + mobilenetv2",
    ]
    entry = run.log()[-1]
    files = {run.folder: entry.scores, run.peer: entry.peer_scores, run.both: entry.both_scores}
    for file, scores in files.items():
        assert scores
        assert evaluate(file, data=people.root).scores.to_json() == scores.to_json()
    assert len({scores.mAP for scores in files.values() if scores}) == 3
    assert entry.scores
    assert PerQuery.load(run.per_query).average_precision.mean() == pytest.approx(entry.scores.mAP, abs=1e-12)
    images = torch.randn(3, 3, 32, 16)
    with torch.no_grad():
        side_by_side = torch.cat([network.model(images), peer.model(images)], dim=1)
        assert torch.equal(both.model(images), side_by_side)
    assert peer.recipe
    assert peer.recipe.model == ModelSettings(backbone="mobilenetv2", width=0.25, embedding_size=32)
    again = replace(recipe, model=replace(recipe.model, initial_weights=str(run.both)))
    with pytest.raises(
        ValueError, match=r"both\.safetensors: it holds two networks side by side, .* its peer\.safetensors"
    ):
        train(again, data=people.root, out=tmp_path / "y")


def test_a_peer_without_trained_weights_has_nothing_to_keep(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    recipe = replace(
        tiny,
        model=replace(tiny.model, initial_weights="x"),
        mutual=MutualSettings(weight=1.0),
        schedule=ScheduleSettings(epochs=2, classifier_only_epochs=1),
    )
    with pytest.raises(
        ValueError, match=r"but the peer has no trained weights to keep .*; set mutual\.initial_weights"
    ):
        train(recipe, data=people.root, out=tmp_path / "x")


def test_classifiers_and_auxiliary_branch_stay_in_training(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    recipe = replace(
        tiny,
        data=replace(tiny.data, images_per_person=4),
        model=replace(tiny.model, backbone="dslnet", width=0.2),
        objective=replace(tiny.objective, triplet=0.5, ratio=0.8, triplet_from_epoch=1, auxiliary=1.0),
    )
    run = train(recipe, data=people.root, out=tmp_path / "x")
    for entry in run.log()[1:]:
        losses = entry.losses
        parts = losses["cross_entropy"] + losses["auxiliary"] + (0.5 * losses["triplet"] if entry.epoch > 1 else 0.0)
        assert losses["total"] == pytest.approx(parts, rel=1e-5)
        assert min(losses["hardest_negative"], losses["hardest_positive"]) > 0
    plain = build_model("dslnet", width=0.2, embedding_size=32)
    assert set(load_checkpoint(run.folder).report.matched) == plain.state_dict().keys()


def test_what_is_wrong_with_the_data_is_said_before_training_and_recorded(
    people: ReidDataset, tiny: Recipe, tmp_path: Path
) -> None:
    first = people.gallery[0]
    copied = f"train,{people.gallery[1].path},{people.gallery[1].pid},1"
    junk = f"gallery,{people.train[0].path},-1,{first.camid}"
    file = write_table(tmp_path / "leaky.csv", people, add=(copied, junk))
    console = Console(record=True, width=200, file=io.StringIO())
    recipe = replace(tiny, schedule=ScheduleSettings(epochs=1))
    run = train(recipe, data=file, out=tmp_path / "x", progress=Progress(console))
    text = console.export_text()
    assert "warning: 1 person both in training and in query or gallery" in text
    assert "left out: 1 junk (pid −1) listed as gallery" in text
    assert text.index("warning") < text.index("epoch 0")
    assert run.dataset().source.left_out["junk (pid −1) listed as gallery"] == 1


def test_a_loss_a_backbone_and_an_augmentation_of_ones_own(people: ReidDataset, tiny: Recipe, tmp_path: Path) -> None:
    """Their files lie in the run, so that it resumes and loads wherever the originals go."""
    (tmp_path / "own.py").write_text(
        "from torch import nn\n"
        "from scalereid.models import Backbone\n"
        "from scalereid.training.terms import Term\n"
        "class Net(Backbone):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.out_channels = 8\n"
        "        self.trunk = nn.Sequential(nn.Conv2d(3, 8, 7, stride=16), nn.BatchNorm2d(8), nn.ReLU())\n"
        "    def forward(self, images):\n"
        "        return self.trunk(images)\n"
        "def shift(images, generator, probability):\n"
        "    return images.roll(1, dims=3)\n"
    )
    (tmp_path / "loss.py").write_text(
        "from scalereid.training.terms import Term\n"
        "class Length(Term):\n"
        "    observes = ('longest',)\n"
        "    def __init__(self, sizes):\n"
        "        super().__init__()\n"
        "    def forward(self, outputs):\n"
        "        lengths = outputs.embeddings.norm(dim=1)\n"
        "        return lengths.mean(), {'longest': lengths.detach().max()}\n"
    )
    recipe = replace(
        tiny,
        data=replace(tiny.data, augmentation=f"{tmp_path / 'own.py'}:shift"),
        model=replace(tiny.model, backbone=f"{tmp_path / 'own.py'}:Net", width=None),
        objective=replace(tiny.objective, term=f"{tmp_path / 'loss.py'}:Length", term_weight=0.1),
    )
    run = train(recipe, data=people.root, out=tmp_path / "x")
    losses = run.log()[-1].losses
    (name,) = losses.keys() - {"total", "cross_entropy", "accuracy", "longest"}
    assert losses["total"] == pytest.approx(losses["cross_entropy"] + 0.1 * losses[name], rel=1e-5)
    assert losses["longest"] >= losses[name] > 0
    assert (run.folder / "own.py").is_file()
    assert (run.folder / "loss.py").is_file()
    (tmp_path / "own.py").unlink()
    (tmp_path / "loss.py").unlink()
    assert load_checkpoint(run.folder, run_code=True).trained.epoch == 2
    with pytest.raises(ValueError, match="the augmentation of .*, and using it runs that file|the backbone of"):
        resume(run.folder)
    resume(run.folder, run_code=True)


@pytest.mark.gpu
@pytest.mark.parametrize("peer", [0.0, 1.0])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_training_and_resuming_on_a_gpu(
    people: ReidDataset, tiny: Recipe, tmp_path: Path, precision: str, peer: float
) -> None:
    from scalereid.inference.opening import RuntimeOptions

    optimizer = OptimizerSettings(lr=0.02, precision=precision)  # type: ignore[arg-type]
    recipe = replace(tiny, optimizer=optimizer, mutual=MutualSettings(weight=peer))
    run = train(recipe, data=people.root, out=tmp_path / "x", device="cuda")
    scores = [
        evaluate(run.folder, data=people.root, runtime=RuntimeOptions(runtime="torch", device=device)).scores
        for device in ("cuda", "cpu")
    ]
    assert scores[0].mAP == pytest.approx(scores[1].mAP, abs=0.05)
    process = start(recipe, people.root, tmp_path / "y", KillAt("scalereid.runs.run", "Run.append", 2))
    assert finish(process) == -9
    assert resume(tmp_path / "y", device="cuda").log()[-1].epoch == 2
