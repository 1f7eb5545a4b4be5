"""How well a recipe does in places it has never seen: every dataset in turn the one left out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scalereid import experiment
from scalereid.assembly import read_dataset
from scalereid.progress import Progress
from scalereid.recipe import Recipe
from scalereid.run import Run


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
        folder = out / target.replace("/", "-")
        progress.say(f"{sources} -> {target}, into {folder}")
        if (folder / "recipe.json").is_file():
            if Run(folder).recipe() != own:
                raise ValueError(f"{folder} is a run of another recipe; name another folder, or remove it")
            runs[target] = experiment.resume(folder, data=data, device=device, progress=progress)
        else:
            runs[target] = experiment.train(own, data=data, out=folder, device=device, progress=progress)
    return runs
