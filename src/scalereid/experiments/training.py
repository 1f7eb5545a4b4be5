"""One training from start to end: check, train, stop, resume."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import torch

from scalereid.arguments import check_kind
from scalereid.data.batches import TrainingBatches
from scalereid.data.crops import RandomCrops
from scalereid.data.images import ImageStore
from scalereid.data.records import ReidDataset, labels
from scalereid.distributed import is_first
from scalereid.experiments.attribute_labels import LearnedAttributes
from scalereid.experiments.checks import (
    advise_precision,
    check_before_training,
    check_parts,
    check_shares,
    check_task,
    say_if_not_scored,
)
from scalereid.experiments.course import Course, score_networks
from scalereid.experiments.evaluator import Evaluator
from scalereid.experiments.sharing import locked_by_first, scored_here, shown
from scalereid.experiments.tensorboard import TensorBoard, require_tensorboard
from scalereid.files import require_free, require_writable
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.process import choose_device, environment
from scalereid.progress import Progress
from scalereid.runs.checkpoint import load_initial, weights_file
from scalereid.runs.extending import extended
from scalereid.runs.facts import DatasetFacts, RunDatasets, describe
from scalereid.runs.recipe import Recipe
from scalereid.runs.resume import check_state, complete_log, load_state, require_state
from scalereid.runs.run import Run, create_run, note_environment
from scalereid.runs.trust import require_trust
from scalereid.runs.wiring import Wired, read_datasets, wire
from scalereid.training.exchange import joined, wait_for_all


def train(
    recipe: Recipe,
    *,
    data: str | Path,
    out: str | Path,
    device: str = "auto",
    tensorboard: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Train by a recipe into a new run directory.

    On a CPU, call `scalereid.memory.keep_freed_memory()` first, as the command line does: training is faster then.

    In processes that torchrun has started, all of which call this, each trains on its share of every batch, and the first
    writes the run.

    Args:
        recipe: Every setting that decides the result.
        data: The folder of the dataset.
        out: A new folder for the run.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, …
        tensorboard: Write TensorBoard events into the run as well.
        progress: Where to show progress. Defaults to nowhere.

    Raises:
        FileExistsError: `out` exists and is not empty.
        BlockingIOError: Another process is training there.
        FileNotFoundError, ValueError: Something does not exist or does not fit; the message says what.
        ModuleNotFoundError: TensorBoard is asked for and not installed.
        FloatingPointError: The loss is not finite.
        Interrupted: Ctrl-C was pressed; the run can be resumed.
    """
    check_kind("recipe", recipe, Recipe)
    check_new(recipe)
    if is_first():
        require_free(Path(out))
    if tensorboard:
        require_tensorboard()
    with joined(), locked_by_first(Path(out)):
        return _train(recipe, Path(data), Path(out), device, tensorboard, shown(progress))


def check_new(recipe: Recipe) -> None:
    """Check what a new training needs besides its data: settings that make sense, and the weights that it starts from.

    Raises:
        FileNotFoundError: There are no such weights.
        ValueError: A setting has a value that does not fit; the message names it.
    """
    recipe.check()
    frozen = recipe.schedule.classifier_only_epochs
    starts = {"model": recipe.model.initial_weights}
    if recipe.mutual.weight:
        starts["mutual"] = recipe.mutual.initial_weights
    for group, weights in starts.items():
        if frozen and not weights:
            whose = "the peer has" if group == "mutual" else "there are"
            raise ValueError(
                f"schedule.classifier_only_epochs is {frozen}, but {whose} no trained weights to keep meanwhile; set "
                f"{group}.initial_weights, or schedule.classifier_only_epochs to 0"
            )
    for weights in filter(None, starts.values()):
        weights_file(Path(weights))


def _train(recipe: Recipe, data: Path, out: Path, device: str, tensorboard: bool, progress: Progress) -> Run:
    """Train into a run that this process alone writes, or the first of several."""
    check_shares(recipe)
    chosen = choose_device(device)
    check_parts(recipe, chosen)
    advise_precision(recipe, chosen, progress)
    dataset, (target, also) = read_datasets(recipe, data)
    check_task(recipe, dataset, target)
    attributes = LearnedAttributes.of(recipe, data, dataset, target)
    if dataset.classes:
        say_if_not_scored(target, progress, has_people=False)
    if is_first() and not dataset.classes:  # whose images are checked when they are decoded
        check_before_training(
            dataset, target, [*also.values()], progress, has_people=bool(recipe.objective.cross_entropy)
        )
    wait_for_all()
    load = partial(_load_initial_weights, progress)
    wired = wire(
        recipe, labels(dataset.train), chosen, load_weights=load, attributes=attributes.train, classes=dataset.classes
    )
    evaluator = Evaluator(scored_here(target), recipe, progress, also, attributes.test)
    wired.state.register("evaluator", evaluator)
    batches = _decode(dataset, recipe, wired, progress)
    scores = score_networks(evaluator, wired)  # before any training: shows at once whether the dataset can be scored
    datasets = _datasets(data, dataset, target, also, attributes.fingerprint)
    run = create_run(out, recipe, datasets, environment(chosen), recipe.own_files) if is_first() else Run(out)
    events = TensorBoard(run.folder) if tensorboard and is_first() else None
    training = Course(run, recipe, datasets.source, wired, evaluator, events, progress)
    training.record({}, None, scores)
    return training.finish(batches)


def _datasets(
    data: Path, dataset: ReidDataset, target: ReidDataset, also: Mapping[str, ReidDataset], attributes: str
) -> RunDatasets:
    """The facts about the datasets in the folder `data`; `attributes` is the fingerprint of their table."""
    source = describe(dataset)
    scored = source if target is dataset else describe(target)
    return RunDatasets(
        str(data.absolute()), source, scored, {name: describe(each) for name, each in also.items()}, attributes
    )


def resume(
    folder: str | Path,
    *,
    epochs: int | None = None,
    data: str | Path | None = None,
    device: str = "auto",
    tensorboard: bool = False,
    run_code: bool = False,
    progress: Progress | None = None,
) -> Run:
    """Resume a run that was stopped, or extend one, to the same weights that it would have had without the stop.

    That holds on the same kind of device, with the same versions and number of threads; differences are reported and recorded.

    Args:
        folder: The run.
        epochs: Number of epochs to train to, where more than its recipe has. The run's recipe is replaced, and the one before
            kept in `history.json`.
        data: The folder of the dataset, which the run notes. Defaults to where it was.
        device: As for `train`.
        tensorboard: As for `train`.
        run_code: Allow a run whose recipe names Python files of someone's own, which are then run: a backbone, a term of the
            objective, an augmentation (their copies in the run), a dataset.
        progress: As for `train`.

    Raises:
        FileNotFoundError: `folder` is not a run, or its state is not there.
        ValueError: The dataset has changed since, the recipe was written by another version, the run cannot be extended, or
            a file of it is damaged.
        BlockingIOError, ModuleNotFoundError, FloatingPointError, Interrupted: As `train` raises.
    """
    run = Run(Path(folder))
    require_writable(run.log_file)
    with joined(), locked_by_first(run.folder):
        require_trust(run.saved_recipe().names, str(folder), run_code=run_code)
        return _resume(run, epochs, data, device, tensorboard, shown(progress))


def _resume(
    run: Run, epochs: int | None, data: str | Path | None, device: str, tensorboard: bool, progress: Progress
) -> Run:
    """Resume a run that this process alone writes, or the first of several."""
    folder = run.folder
    before, recorded = run.recipe(), run.dataset()
    run.environments()  # damaged files are named before anything is written
    if is_first() and (dropped := run.drop_cut_line()):
        progress.say(dropped)
    wait_for_all()
    has_state = require_state(run)
    recipe = before if epochs is None else extended(before, epochs, run.folder)
    check_shares(recipe)
    if tensorboard:
        require_tensorboard()
    chosen = choose_device(device)
    data = Path(data or recorded.data)
    dataset, (target, also) = read_datasets(recipe, data)
    attributes = LearnedAttributes.of(recipe, data, dataset, target)
    pairs = [(dataset, recorded.source), (target, recorded.target)]
    _check_unchanged(folder, [*pairs, *((each, recorded.also.get(name)) for name, each in also.items())])
    if attributes.fingerprint != recorded.attributes:
        raise ValueError(_changed(recipe.data.attributes, folder, attributes.fingerprint, recorded.attributes))
    load = (lambda *_: None) if has_state else partial(_load_initial_weights, progress)
    people = labels(dataset.train)
    wired = wire(
        recipe,
        people,
        chosen,
        code_in=run.folder,
        load_weights=load,
        attributes=attributes.train,
        classes=dataset.classes,
    )
    evaluator = Evaluator(scored_here(target), recipe, progress, also, attributes.test)
    wired.state.register("evaluator", evaluator)
    if has_state:
        load_state(run.state, wired.state)
        check_state(run, wired.state, wired.sampler.steps, epochs=recipe.schedule.epochs)
    epoch = wired.state.epoch
    if is_first():
        if has_state:
            complete_log(run, epoch)
        _note_start(run, recipe, epoch, chosen, progress)
        if data != Path(recorded.data):  # the same images, so whoever asks the run finds them
            run.note_datasets(_datasets(data, dataset, target, also, attributes.fingerprint))
    events = TensorBoard(run.folder, epoch) if tensorboard and is_first() else None
    if epoch == recipe.schedule.epochs:
        progress.say(f"{folder} is finished: all {epoch} epochs are done")
        return run
    progress.say(f"resuming {folder} after epoch {epoch}, step {wired.state.step}")
    batches = _decode(dataset, recipe, wired, progress)
    training = Course(run, recipe, recorded.source, wired, evaluator, events, progress)
    if not has_state:
        training.record({}, None, score_networks(evaluator, wired))
    return training.finish(batches)


def _check_unchanged(folder: Path, datasets: Iterable[tuple[ReidDataset, DatasetFacts | None]]) -> None:
    """Check that datasets are those that a run was trained and scored on.

    Raises:
        ValueError: One is not.
    """
    for read, facts in datasets:
        if facts is None or read.fingerprint() != facts.fingerprint:
            raise ValueError(_changed(read.root, folder, read.fingerprint(), facts.fingerprint if facts else ""))


def _changed(what: object, folder: Path, found: str, recorded: str) -> str:
    return f"{what} is not what {folder} was trained on: its fingerprint is {found}, recorded is {recorded or 'none'}"


def _note_start(run: Run, recipe: Recipe, epoch: int, device: torch.device, progress: Progress) -> None:
    """Write into a run that it is resumed after `epoch` by `recipe`, perhaps another than before."""
    before = run.recipe()
    if recipe != before:
        run.replace_recipe(recipe, epoch=epoch)
        progress.say(f"{run.folder} is extended from {before.schedule.epochs} to {recipe.schedule.epochs} epochs")
    for difference in note_environment(run, environment(device)):
        progress.say(f"The run was started differently, so weights will differ in the last digits: {difference}")


def _load_initial_weights(progress: Progress, model: EmbeddingModel, weights: str) -> None:
    if weights:
        progress.say(f"starting from {weights}: {load_initial(model, weights)}")


def _decode(dataset: ReidDataset, recipe: Recipe, wired: Wired, progress: Progress) -> TrainingBatches:
    """Batches of the training images, all decoded, or for random crops to be decoded anew for each batch."""
    paths = [record.path for record in dataset.train]
    if recipe.data.framing != "stretch":
        return wired.batches(RandomCrops(paths, recipe.data.image_size, recipe.data.framing))
    with progress.stage("reading training images", len(paths)) as advance:
        return wired.batches(ImageStore(paths, recipe.data.image_size, advance=advance))
