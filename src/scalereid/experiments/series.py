"""Series of trainings: every dataset in turn the one left out; every split of a dataset."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scalereid.data.names import splits_of
from scalereid.data.readers import SPLITS
from scalereid.data.reading import read_dataset
from scalereid.experiments import training as experiment
from scalereid.progress import Progress
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run


def leave_one_out(
    recipe: Recipe, datasets: Sequence[str], *, data: Path, out: Path, device: str = "auto", progress: Progress
) -> dict[str, Run]:
    """Train on all `datasets` but one and score on that one, for each of them; returns the runs by the dataset left out.

    A run lies in `out`, in a folder named after the dataset left out. Runs that are there already are gone on with, or left
    as they are when they are finished, so that a stopped series can be started again.

    Raises:
        ValueError: there are fewer than two datasets, or one is named twice or lacks images; or a run there is of another
            recipe.
        FileNotFoundError, FloatingPointError, Interrupted: as `experiment.train` does.
    """
    if len(datasets) < 2 or len(set(datasets)) < len(datasets):
        raise ValueError(f"leaving one out takes two or more different datasets, not {', '.join(datasets) or 'none'}")
    for name in datasets:  # all of them before the first hour
        read = read_dataset(name, data)
        if not (read.train and read.query and read.gallery):
            raise ValueError(f"{name} lacks training, query or gallery images; leaving one out needs all three of each")
    runs = {}
    for target in datasets:
        sources = "+".join(name for name in datasets if name != target)
        own = replace(
            recipe,
            data=replace(recipe.data, dataset=sources),
            evaluation=replace(recipe.evaluation, dataset=target),
        )
        progress.say(f"{sources} -> {target}")
        runs[target] = _train(own, data=data, folder=out / target.replace("/", "-"), device=device, progress=progress)
    return runs


def train_splits(recipe: Recipe, *, data: Path, out: Path, device: str = "auto", progress: Progress) -> dict[str, Run]:
    """Train on each split of the recipe's dataset and score on the same split; returns the runs by the name of the split.

    That is how VIPeR, GRID and other small datasets are scored: by the mean over their splits. Runs lie in `out` and are gone
    on with as those of `leave_one_out` are.

    Raises:
        ValueError: the dataset has no splits; or a run there is of another recipe.
        FileNotFoundError, FloatingPointError, Interrupted: as `experiment.train` does.
    """
    splits = splits_of(recipe.data.dataset)
    if splits == [recipe.data.dataset] or recipe.evaluation.dataset:
        raise ValueError(
            f"{recipe.data.dataset} has no several splits to train and be scored on; those that have: {', '.join(SPLITS)}"
        )
    for split in splits:  # all of them before the first hour
        read_dataset(split, data)
    runs = {}
    for split in splits:
        own = replace(recipe, data=replace(recipe.data, dataset=split))
        progress.say(split)
        runs[split] = _train(own, data=data, folder=out / split.replace("/", "-"), device=device, progress=progress)
    return runs


def _train(recipe: Recipe, *, data: Path, folder: Path, device: str, progress: Progress) -> Run:
    """A new run in `folder`, or the one that is there, gone on with."""
    if not (folder / "recipe.json").is_file():
        return experiment.train(recipe, data=data, out=folder, device=device, progress=progress)
    if Run(folder).recipe() != recipe:
        raise ValueError(f"{folder} is a run of another recipe; name another folder, or remove it")
    return experiment.resume(folder, data=data, device=device, progress=progress)
