"""One experiment from start to score: train, stop, go on."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from scalereid.data.check import check
from scalereid.data.check.findings import Finding
from scalereid.data.records import ReidDataset, count
from scalereid.inference.query_gallery import TestSide, decode, describe
from scalereid.lookup import own_file
from scalereid.models.supernet import SuperNet
from scalereid.process import choose_device, environment, interruption, seed_everything
from scalereid.progress import Progress, duration
from scalereid.retrieval.scores import Scores
from scalereid.runs import wiring as assembly
from scalereid.runs.checkpoint import load_initial, save_model
from scalereid.runs.recipe import Recipe
from scalereid.runs.resume import load_training, save_training
from scalereid.runs.run import Run, create_run, note_environment, require_free, write
from scalereid.training import loop
from scalereid.training.loop import Interrupted
from scalereid.training.search import state_of_search
from scalereid.training.step import Training


def train(recipe: Recipe, *, data: Path, out: Path, device: str = "auto", progress: Progress) -> Run:
    """Train by a recipe into a new run directory.

    On a CPU, call `process.keep_freed_memory()` first, as the command line does: it is faster so.

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
    recipe.check()
    require_free(out)
    chosen = choose_device(device)
    dataset, target = assembly.read_datasets(recipe, data)
    if not dataset.train:
        raise ValueError(f"{dataset.name} in {dataset.root} has no training images")
    if not target.query:
        progress.say(f"{target.name} has no query images: the run will not be scored")
    _check(dataset, target, progress)
    training = _first_state(recipe, dataset, chosen, progress)
    experiment = _Experiment(recipe, dataset, target, training, progress)
    scores = experiment.score()  # before any training: shows at once whether the dataset can be scored
    own_code = own_file(recipe.model.backbone)
    about = describe(dataset) | {"data": str(data.absolute())}
    if target is not dataset:
        about["target"] = describe(target)
    run = create_run(out, recipe, about, environment(training.sums.device), own_code)
    experiment.record(run, {}, scores)
    return experiment.go_on(run)


def resume(folder: Path, *, data: Path | None = None, device: str = "auto", progress: Progress) -> Run:
    """Go on with a run that was stopped, to the same weights that it would have had.

    That holds on the same kind of device, with the same versions and number of threads; a difference is said and recorded.
    `data` is where the dataset lies now, unless it lies where it did.

    Raises:
        FileNotFoundError: `folder` is no run.
        ValueError: the dataset has changed since.
    """
    run = Run(folder)
    recipe, recorded = run.recipe(), run.dataset()
    dataset, target = assembly.read_datasets(recipe, data or Path(recorded["data"]))
    for read, before in ((dataset, recorded), (target, recorded.get("target", recorded))):
        if read.fingerprint() != before["fingerprint"]:
            raise ValueError(
                f"{read.root} is not what {folder} was trained on: its fingerprint is not the recorded one"
            )
    has_state = run.resume.is_file()  # not when it was stopped before its first step
    start = replace(recipe, model=replace(recipe.model, initial_weights="")) if has_state else recipe
    training = _first_state(start, dataset, choose_device(device), progress, code_in=folder)
    best = load_training(run.resume, training) if has_state else -1.0
    for difference in note_environment(run, environment(training.sums.device)):
        progress.say(f"not as the run was started, so weights will differ in the last digits: {difference}")
    if training.epoch == recipe.schedule.epochs:
        progress.say(f"{folder} is finished: all {training.epoch} epochs are done")
        return run
    progress.say(f"going on with {folder} after epoch {training.epoch}, step {training.step}")
    experiment = _Experiment(recipe, dataset, target, training, progress, best)
    if not has_state:
        experiment.record(run, {}, experiment.score())
    return experiment.go_on(run)


def _check(dataset: ReidDataset, target: ReidDataset, progress: Progress) -> None:
    """Find out before the first epoch what would fail or mislead after the last."""
    sides = [dataset] if target is dataset else [replace(dataset, query=(), gallery=()), replace(target, train=())]
    findings = []
    learned = {record.path for record in dataset.train}
    seen = sum(record.path in learned for record in (*target.query, *target.gallery))
    if seen:
        message = f"{seen:,} test images are training images too: their score says nothing about strangers"
        findings.append(Finding("warning", "trained-on", message))
    for side in (replace(side, gallery=side.gallery if side.query else ()) for side in sides):
        if not any(side.splits.values()):
            continue
        images = sum(len(records) for records in side.splits.values())
        with progress.stage(f"checking {side.name}", images) as advance:
            findings += check(side, advance=advance)
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise ValueError("the data cannot be used as it is (`scalereid data check` says more):\n" + "\n".join(errors))
    for finding in findings:
        if finding.severity == "warning" or finding.kind == "left-out":
            progress.say(str(finding))


def _first_state(
    recipe: Recipe, dataset: ReidDataset, device: torch.device, progress: Progress, code_in: Path | None = None
) -> Training:
    """The state before the first step, fixed by the recipe's seed. A backbone of one's own is that of the run `code_in`."""
    seed_everything(recipe.seed)
    settings = recipe.model
    model = assembly.build_recipe_model(settings, code_in)
    if settings.initial_weights:
        report = load_initial(model, settings.initial_weights, run_code=bool(own_file(settings.backbone)))
        progress.say(f"starting from {settings.initial_weights}: {report}")
    return assembly.build_training(recipe, model, count(dataset.train).people, device)


class _Experiment:
    """A training with its images and, once it is recorded, its run."""

    def __init__(
        self,
        recipe: Recipe,
        dataset: ReidDataset,
        target: ReidDataset,
        training: Training,
        progress: Progress,
        best: float = -1.0,
    ) -> None:
        self.recipe, self.training, self.progress, self.best = recipe, training, progress, best
        size = recipe.data.image_size
        self.test = TestSide(target, size, progress) if target.query else None
        pixels = decode("training", dataset.train, size, progress)
        self.batches = assembly.build_batches(recipe, dataset.train, pixels, training.sums.device)
        self.epoch_started = time.monotonic()

    def score(self) -> Scores | None:
        """The model as it is now on the test side, if there is one."""
        if self.test is None:
            return None
        return self.test.score(*self.test.embed(self.training.model), self.recipe.evaluation.distance)

    def go_on(self, run: Run) -> Run:
        """Train to the end of the recipe."""
        recipe, training, batches = self.recipe, self.training, self.batches
        epochs, size = recipe.schedule.epochs, recipe.data.batch_size
        done = training.epoch * len(batches) + training.step
        remaining = (epochs * len(batches) - done) * size
        with interruption() as stop_requested, self.progress.stage("training", remaining) as advance:

            def after_steps(training: Training) -> None:
                nonlocal done
                now = training.epoch * len(batches) + training.step
                advance(
                    (now - done) * size, f"epoch {training.epoch + 1}/{epochs}, loss {training.means()['total']:.3f}"
                )
                done = now

            def after_epoch(training: Training, means: dict[str, float]) -> None:
                due = training.epoch % recipe.evaluation.every == 0 or training.epoch == epochs
                self.record(run, means, self.score() if due else None)

            self.epoch_started = time.monotonic()
            try:
                loop.train(
                    training,
                    batches,
                    epochs=epochs,
                    learning_rate=assembly.build_learning_rate(recipe),
                    classifier_only_epochs=recipe.schedule.classifier_only_epochs,
                    precision=recipe.optimizer.precision,
                    samples=recipe.search.samples,
                    bilevel=recipe.search.bilevel,
                    before_epoch=assembly.build_cooling(recipe),
                    after_steps=after_steps,
                    after_epoch=after_epoch,
                    stop_requested=stop_requested,
                )
            except Interrupted:
                save_training(run.resume, training, self.best)
                raise Interrupted(run.folder) from None
        if isinstance(training.model.backbone, SuperNet):
            write(run.genotype, training.model.backbone.genotype(_origin(run)).save)
        return run

    def record(self, run: Run, means: dict[str, float], scores: Scores | None) -> None:
        """Save and log an epoch. A run killed in the middle of this repeats the epoch when it is resumed."""
        training, recipe = self.training, self.recipe
        entry: dict[str, Any] = {"epoch": training.epoch, "seconds": round(time.monotonic() - self.epoch_started, 3)}
        entry |= means | ({"scores": scores.to_json()} if scores else {})
        if isinstance(training.model.backbone, SuperNet):
            entry["search"] = state_of_search(training.model.backbone)
        dataset = run.dataset()  # weights travel; the folders they were trained on do not
        about = entry | {"dataset": {key: dataset[key] for key in ("name", "counts", "fingerprint")}}
        save = partial(save_model, model=training.model, recipe=recipe, about=about)
        save(run.last)
        if scores and scores.mAP > self.best:
            self.best = scores.mAP
            save(run.best)
        run.append(entry)
        save_training(run.resume, training, self.best)
        self.progress.say(_line(entry, recipe.schedule.epochs))
        self.epoch_started = time.monotonic()


def _origin(run: Run) -> str:
    recipe, dataset = run.recipe(), run.dataset()
    return (
        f"{recipe.model.backbone} on {dataset['name']} ({dataset['fingerprint']}), {recipe.schedule.epochs} epochs, "
        f"seed {recipe.seed}"
    )


def _line(entry: dict[str, Any], epochs: int) -> str:
    """One epoch of the log as a line to read."""
    parts = []
    if "total" in entry:
        parts.append(
            f"loss {entry['total']:.3f}, {entry['accuracy']:.1%} right, rate {entry['learning_rate']:.2g}, "
            f"{duration(entry['seconds'])}"
        )
    if "hardest_positive" in entry:
        parts.append(f"hardest pairs {entry['hardest_positive']:.2f} / {entry['hardest_negative']:.2f}")
    if "search" in entry:
        parts.append(f"entropies {' '.join(f'{value:.2f}' for value in entry['search']['entropy'])}")
    if "scores" in entry:
        parts.append(f"mAP {entry['scores']['mAP']:.2%}, rank-1 {entry['scores']['cmc'][0]:.2%}")
    return f"epoch {entry['epoch']}/{epochs}: {'; '.join(parts) or 'before training'}"
