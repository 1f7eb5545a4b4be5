import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors import safe_open
from safetensors.numpy import save_file

from scalereid.data.records import ReidDataset
from scalereid.experiments.classifying import classify, evaluate_classes
from scalereid.experiments.evaluation import evaluate
from scalereid.experiments.training import resume, train
from scalereid.progress import Progress
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.recipe import ModelSettings, Recipe, ScheduleSettings
from scalereid.runs.run import Run
from tests.conftest import CLASSES, same


def test_a_run_keeps_its_classifier_and_scores(class_run: Path, class_images: Path) -> None:
    run, loaded = Run(class_run), load_checkpoint(class_run)
    assert loaded.classes is not None
    assert loaded.classes.names == ("blue", "green", "red")
    log = run.log()
    assert all(entry.class_scores and entry.scores is None for entry in log)
    assert log[-1].class_scores is not None
    assert f"top-1 error {1 - log[-1].class_scores.top1:.2%}" in log[-1].line(2)
    assert run.best.is_file()
    found = evaluate_classes(class_run, data=class_images)
    assert found.scores == log[-1].class_scores  # by the same pictures, framed alike
    assert found.scores.images == 12


def test_scores_are_of_logits_not_of_rounded_probabilities(class_run: Path, class_images: Path, tmp_path: Path) -> None:
    """Of a classifier that is hardly sure of anything all probabilities are equal, of one that is sure most are 0."""
    best = Run(class_run).best
    with safe_open(best, "np") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    for part in ("weight", "bias"):
        tensors[f"classes.{part}"] = tensors[f"classes.{part}"] * np.float32(2**-40)
    save_file(tensors, tmp_path / "unsure.safetensors", metadata)
    expected = evaluate_classes(best, data=class_images).scores
    assert expected.top1 > 0
    assert evaluate_classes(tmp_path / "unsure.safetensors", data=class_images).scores == expected


def test_classes_of_pictures(class_run: Path, class_images: Path) -> None:
    paths = [class_images / "val" / name / "0.png" for name in ("red", "blue")]
    found = classify(class_run, paths)
    assert found.probabilities.shape == (2, 3)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert classify(class_run, []).probabilities.shape == (0, 3)


def test_a_model_of_people_is_no_classifier(trained: Run, people: ReidDataset) -> None:
    with pytest.raises(ValueError, match="is no classifier; give a run or weights trained on a dataset of classes"):
        classify(trained.folder, [people.query[0].path])


def test_resumed_training_is_the_same(class_images: Path, tmp_path: Path) -> None:
    """Crops are those of the epoch and the place, whether or not the training was stopped in between."""
    shorter = replace(CLASSES, schedule=ScheduleSettings(epochs=1, decay="step", steps=()))
    longer = replace(CLASSES, schedule=ScheduleSettings(epochs=2, decay="step", steps=()))
    run = train(shorter, data=class_images, out=tmp_path / "stopped")
    resume(run.folder, epochs=2)
    whole = train(longer, data=class_images, out=tmp_path / "whole")
    one, other = (load_checkpoint(folder / "last.safetensors") for folder in (run.folder, whole.folder))
    assert same(one.model.state_dict(), other.model.state_dict())
    assert one.classes and other.classes
    np.testing.assert_array_equal(one.classes.weight, other.classes.weight)


def test_people_are_learned_from_its_weights(
    class_run: Path, people: ReidDataset, tiny: Recipe, tmp_path: Path
) -> None:
    """A run of classes is a start for people without a step in between; the classifier is left out."""
    frozen = replace(
        tiny,
        model=replace(tiny.model, initial_weights=str(class_run)),
        schedule=ScheduleSettings(epochs=1, decay="cosine"),
    )
    run = train(frozen, data=people.root, out=tmp_path / "run")
    assert run.log()[0].scores is not None
    pretrained = load_checkpoint(class_run).model.state_dict()
    network = replace(frozen, optimizer=replace(frozen.optimizer, lr=0.0))
    untouched = load_checkpoint(train(network, data=people.root, out=tmp_path / "same").last)
    assert untouched.classes is None
    found = untouched.model.state_dict()
    weights = [name for name in found if "running" not in name and "num_batches" not in name]
    assert len(weights) > 50
    assert all(torch.equal(found[name], pretrained[name]) for name in weights)


def test_weights_without_a_neck_leave_the_embedding_layer(
    class_images: Path, people: ReidDataset, tiny: Recipe, tmp_path: Path
) -> None:
    alone = ModelSettings(backbone="osnet_one_stream", width=0.25, embedding_size=128, neck="none")
    one_epoch = ScheduleSettings(epochs=1, decay="cosine")
    run = train(replace(CLASSES, model=alone, schedule=one_epoch), data=class_images, out=tmp_path / "classes")
    start = replace(tiny, model=replace(tiny.model, initial_weights=str(run.folder)), schedule=one_epoch)
    still = replace(start, optimizer=replace(start.optimizer, lr=0.0))
    found = load_checkpoint(train(still, data=people.root, out=tmp_path / "people").last).model.state_dict()
    pretrained = load_checkpoint(run.last).model.state_dict()
    assert torch.equal(found["backbone.stem.conv.weight"], pretrained["backbone.stem.conv.weight"])
    assert found["embedding.linear.weight"].shape == (32, 128)
    with pytest.raises(ValueError, match=r"model.embedding_size is 64, but without a neck .*: set it to 128"):
        train(replace(CLASSES, model=replace(alone, embedding_size=64)), data=class_images, out=tmp_path / "x")


def test_without_test_images_nothing_is_scored_and_that_is_said(class_images: Path, tmp_path: Path) -> None:
    (tmp_path / "colours").mkdir()
    (tmp_path / "colours" / "train").symlink_to(class_images / "train")
    console = Console(record=True, width=200, file=io.StringIO())
    run = train(CLASSES, data=tmp_path / "colours", out=tmp_path / "run", progress=Progress(console))
    assert "colours has no test images: the run will not be scored" in console.export_text()
    assert run.log()[-1].class_scores is None


def test_what_does_not_fit_is_refused(
    class_run: Path, class_images: Path, people: ReidDataset, tiny: Recipe, tmp_path: Path
) -> None:
    def refused(recipe: Recipe, data: Path, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            train(recipe, data=data, out=tmp_path / "x")

    best = replace(CLASSES, evaluation=replace(CLASSES.evaluation, best="mAP"))
    refused(best, class_images, "evaluation.best is mAP, but colours has classes; set it to top-1")
    refused(replace(tiny, evaluation=CLASSES.evaluation), people.root, "but people has people; set it to mAP")
    averaged = replace(CLASSES, optimizer=replace(CLASSES.optimizer, average=0.9))
    refused(averaged, class_images, "has classes, not people, for which optimizer.average must be off")
    framed = replace(tiny, data=replace(tiny.data, framing="window"))
    refused(framed, people.root, "data.framing is window, but images of people are seen whole")
    patched = replace(CLASSES, data=replace(CLASSES.data, patch=0.5))
    refused(patched, class_images, "data.patch is 0.5; it must be 0 with this data.framing")
    with pytest.raises(ValueError, match="has classes, not people who are found again"):
        evaluate(class_run, data=class_images)
    with pytest.raises(ValueError, match=r"has people, but the model has learned 3 classes \(blue, green, red\)"):
        evaluate_classes(class_run, data=people.root, dataset="csv")
