"""One experiment from start to score: train, stop, go on."""

import time
from functools import partial
from pathlib import Path
from typing import Any

from scalereid import assembly
from scalereid.checkpoint import load_checkpoint, save_model
from scalereid.data.records import ReidDataset, count
from scalereid.evaluation import TestSide, decode, describe
from scalereid.models.released import load_strictly
from scalereid.process import choose_device, environment, interruption, seed_everything
from scalereid.progress import Progress, duration
from scalereid.recipe import Recipe
from scalereid.resume import load_training, save_training
from scalereid.run import Run, create_run
from scalereid.training import loop
from scalereid.training.loop import Interrupted, Training


def train(recipe: Recipe, *, data: Path, out: Path, device: str = "auto", progress: Progress) -> Run:
    """Train by a recipe into a new run directory.

    Raises:
        FileExistsError: `out` is not empty.
        FileNotFoundError, ValueError: what does not exist or does not fit; the message says what.
        FloatingPointError: training diverged.
        Interrupted: Ctrl-C; the run can be resumed.
    """
    if recipe.schedule.classifier_only_epochs and not recipe.model.initial_weights:
        raise ValueError(
            "the recipe trains the classifier alone at first, which makes sense for trained weights only; "
            "name some with --model.initial-weights, or set --schedule.classifier-only-epochs 0"
        )
    chosen = choose_device(device)
    dataset = assembly.read_dataset(recipe.data.dataset, data)
    _require_training_images(dataset)
    seed_everything(recipe.seed)
    model = assembly.build_model(recipe.model.backbone, embedding_size=recipe.model.embedding_size)
    if recipe.model.initial_weights:
        loaded = load_checkpoint(recipe.model.initial_weights)
        load_strictly(model, loaded.model.state_dict())
        progress.say(f"starting from {recipe.model.initial_weights}: {loaded.report}")
    training = assembly.build_training(recipe, model, count(dataset.train).people, chosen)
    run = create_run(out, recipe, describe(dataset) | {"data": str(data.absolute())}, environment(chosen))
    return _run(run, recipe, dataset, training, best=-1.0, progress=progress)


def resume(folder: Path, *, data: Path | None = None, device: str = "auto", progress: Progress) -> Run:
    """Go on with a run that was stopped, to the same weights that it would have had.

    `data` is where the dataset lies now, unless it lies where it did.

    Raises:
        FileNotFoundError: `folder` is no run, or was stopped before its first step.
        ValueError: the dataset has changed since.
    """
    run = Run(folder)
    recipe = run.recipe()
    recorded = run.dataset()
    dataset = assembly.read_dataset(recipe.data.dataset, data or Path(recorded["data"]))
    if dataset.fingerprint() != recorded["fingerprint"]:
        raise ValueError(f"{dataset.root} is not what {folder} was trained on: its fingerprint is not the recorded one")
    model = assembly.build_model(recipe.model.backbone, embedding_size=recipe.model.embedding_size)
    training = assembly.build_training(recipe, model, count(dataset.train).people, choose_device(device))
    best = load_training(run.resume, training)
    progress.say(f"going on with {folder} after epoch {training.epoch}, step {training.step}")
    return _run(run, recipe, dataset, training, best=best, progress=progress)


def _run(run: Run, recipe: Recipe, dataset: ReidDataset, training: Training, *, best: float, progress: Progress) -> Run:
    """Train, evaluate, log and save to the end of the recipe."""
    epochs, size = recipe.schedule.epochs, recipe.data.image_size
    trained_on = {
        key: run.dataset()[key] for key in ("name", "counts", "fingerprint")
    }  # weights travel; folders do not
    test = TestSide(dataset, size, progress) if dataset.query else None
    pixels = decode("training", dataset.train, size, progress)
    batches = assembly.build_batches(recipe, dataset.train, pixels, next(training.model.parameters()).device)
    started = time.monotonic()

    def after_epoch(training: Training, means: dict[str, float]) -> None:
        nonlocal best, started
        entry: dict[str, Any] = {"epoch": training.epoch, "seconds": round(time.monotonic() - started, 3)} | means
        if training.epoch % recipe.evaluation.every == 0 or training.epoch == epochs:
            scores = test.score(training.model, recipe.evaluation.distance) if test else None
            entry |= {"scores": scores.to_json()} if scores else {}
            save = partial(save_model, model=training.model, recipe=recipe, about=entry | {"dataset": trained_on})
            save(run.last)
            if scores and scores.mAP > best:
                best = scores.mAP
                save(run.best)
        run.append(entry)
        save_training(run.resume, training, best)
        progress.say(_line(entry, epochs))
        started = time.monotonic()

    if training.epoch == 0 and training.step == 0:
        after_epoch(training, {})  # before any training: shows at once whether the dataset can be scored
    remaining = (len(batches) * (epochs - training.epoch) - training.step) * recipe.data.batch_size
    with interruption(progress.say) as stop_requested, progress.stage("training", remaining) as advance:
        reported = training.epoch * len(batches) + training.step

        def after_steps(training: Training) -> None:
            nonlocal reported
            now = training.epoch * len(batches) + training.step
            detail = f"epoch {training.epoch + 1}/{epochs}, loss {training.means()['total']:.3f}"
            advance((now - reported) * recipe.data.batch_size, detail)
            reported = now

        try:
            loop.train(
                training,
                batches,
                epochs=epochs,
                learning_rate=assembly.build_learning_rate(recipe),
                classifier_only_epochs=recipe.schedule.classifier_only_epochs,
                precision=recipe.optimizer.precision,
                after_steps=after_steps,
                after_epoch=after_epoch,
                stop_requested=stop_requested,
            )
        except Interrupted:
            save_training(run.resume, training, best)
            raise Interrupted(run.folder) from None
    return run


def _line(entry: dict[str, Any], epochs: int) -> str:
    """One epoch of the log as a line to read."""
    parts = [f"epoch {entry['epoch']}/{epochs}"]
    if "total" in entry:
        parts.append(
            f"loss {entry['total']:.3f}, {entry['accuracy']:.1%} right, rate {entry['learning_rate']:.2g}, "
            f"{duration(entry['seconds'])}"
        )
    if "scores" in entry:
        parts.append(f"mAP {entry['scores']['mAP']:.2%}, rank-1 {entry['scores']['cmc'][0]:.2%}")
    return ": ".join([parts[0], "; ".join(parts[1:])])


def _require_training_images(dataset: ReidDataset) -> None:
    if not dataset.train:
        raise ValueError(f"{dataset.name} in {dataset.root} has no training images")
