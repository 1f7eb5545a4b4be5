"""The commands that train: train, nas, leave-one-out."""

import difflib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Annotated

from tyro.conf import Positional, arg

from scalereid.cli.tables import scores_table
from scalereid.cli.terminal import draw_toy_people, program, show
from scalereid.experiments import series
from scalereid.experiments import training as experiment
from scalereid.figures.curves import require_matplotlib
from scalereid.figures.search import draw_search
from scalereid.lookup import own_file
from scalereid.models.genotype import Genotype
from scalereid.process import choose_device
from scalereid.progress import Progress
from scalereid.recipes import RECIPES
from scalereid.retrieval.scores import Scores, mean_scores
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run


def train_with(guess: str, again: Callable[[str], None], *, searching: bool) -> Callable[..., None]:
    """The `train` command, or `nas`, with the settings of the recipe `guess` as defaults; `again` parses with another's."""
    defaults = RECIPES.get(guess, Recipe())

    def train(
        recipe: Annotated[Positional[str], arg(metavar="RECIPE", help="A name that `scalereid recipes` lists.")] = "",
        *,
        data: Annotated[Path | None, arg(help="The dataset's folder. With --resume: if it has moved.")] = None,
        out: Annotated[Path | None, arg(help="A new folder for the run.")] = None,
        resume: Annotated[Path | None, arg(help="A stopped run to go on with, in place of a recipe.")] = None,
        genotype: Annotated[Path | None, arg(help="Train the network of a genotype.json that `nas` found.")] = None,
        device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
        settings: Annotated[Recipe, arg(name="")] = defaults,
    ) -> None:
        """Train by a recipe, any of its settings changed: scalereid train toy --data data --out runs/x --optimizer.lr 0.03."""
        if recipe in RECIPES and recipe != guess:
            return again(recipe)
        progress = Progress()
        if searching:
            require_matplotlib()
        if resume:
            if recipe or out or genotype or settings != defaults:
                raise ValueError(
                    "--resume goes on with a run's own recipe in its own folder: name nothing else but --data"
                )
            _check_kind(Run(resume).recipe(), searching, f"--resume {quote(str(resume))}")
            run = experiment.resume(resume, data=data, device=device, progress=progress)
        else:
            _check_recipe(recipe)
            if genotype:
                found = Genotype.load(genotype)
                settings = replace(settings, model=replace(settings.model, genotype=(found.stem, *found.placements)))
            _check_kind(settings, searching, recipe)
            if data is None or out is None:
                raise ValueError("name the dataset's folder and a new one for the run: --data FOLDER --out runs/NAME")
            choose_device(device)  # which fails at once, not after drawing
            draw_toy_people(data, progress, settings.data.dataset, settings.evaluation.dataset)
            run = experiment.train(settings, data=data, out=out, device=device, progress=progress)
        where = quote(str(run.dataset()["data"] if data is None else data))
        progress.say(_after_search(run, where) if searching else _after_training(run, where))

    if searching:
        train.__doc__ = (
            "Search where an OSNet needs instance norm: scalereid nas nas_toy --data data --out runs/search."
        )
    return train


def leave_one_out_with(guess: str, again: Callable[[str], None]) -> Callable[..., None]:
    """The `leave-one-out` command with the settings of the recipe `guess` as defaults; `again` parses with another's."""

    def leave_one_out(
        recipe: Annotated[Positional[str], arg(metavar="RECIPE", help="A name that `scalereid recipes` lists.")],
        *,
        datasets: Annotated[tuple[str, ...], arg(help="Two or more; each in turn is the one left out.")],
        data: Annotated[Path, arg(help="The folder in which all of them lie.")],
        out: Annotated[Path, arg(help="A folder for the runs; those already there are gone on with.")],
        device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
        settings: Annotated[Recipe, arg(name="")] = RECIPES.get(guess, Recipe()),  # noqa: B008 - frozen
    ) -> None:
        """Train on all of several datasets but one, and score on that one, for each of them: places never seen."""
        if recipe in RECIPES and recipe != guess:
            return again(recipe)
        _check_recipe(recipe)
        progress = Progress()
        choose_device(device)
        draw_toy_people(data, progress, *datasets)
        runs = series.leave_one_out(settings, datasets, data=data, out=out, device=device, progress=progress)
        last = {name: run.epochs()[-1]["scores"] for name, run in runs.items()}
        about = f"{settings.model.backbone}, {settings.evaluation.distance} distance"
        show(scores_table(last, caption=f"each trained on all the others; {about}"))

    return leave_one_out


def train_splits_with(guess: str, again: Callable[[str], None]) -> Callable[..., None]:
    """The `train-splits` command with the settings of the recipe `guess` as defaults; `again` parses with another's."""

    def train_splits(
        recipe: Annotated[Positional[str], arg(metavar="RECIPE", help="A name that `scalereid recipes` lists.")],
        *,
        data: Annotated[Path, arg(help="The dataset's folder.")],
        out: Annotated[Path, arg(help="A folder for the runs; those already there are gone on with.")],
        device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
        settings: Annotated[Recipe, arg(name="")] = RECIPES.get(guess, Recipe()),  # noqa: B008 - frozen
    ) -> None:
        """Train and score on each split of a dataset and average, as VIPeR and other small ones are: --data.dataset viper."""
        if recipe in RECIPES and recipe != guess:
            return again(recipe)
        _check_recipe(recipe)
        choose_device(device)
        runs = series.train_splits(settings, data=data, out=out, device=device, progress=Progress())
        last = {name: run.epochs()[-1]["scores"] for name, run in runs.items()}
        mean = mean_scores([Scores.from_json(scores) for scores in last.values()])
        about = f"{settings.model.backbone}, {mean.how()}"
        show(scores_table(last | {f"{settings.data.dataset}, {mean.splits} splits": mean.to_json()}, caption=about))

    return train_splits


def _check_recipe(name: str) -> None:
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, n=3)
        perhaps = f"; perhaps {' or '.join(near)}" if near else ""
        missing = f"there is no recipe {name!r}" if name else "name a recipe, or a run to go on with: --resume RUN"
        raise ValueError(f"{missing}{perhaps}; `scalereid recipes` lists them")


def _check_kind(recipe: Recipe, searching: bool, words: str) -> None:
    if searching != recipe.model.backbone.startswith("osnet_supernet"):
        what = "trains a network and searches nothing" if searching else "searches for a network"
        raise ValueError(f"this recipe {what}: scalereid {'train' if searching else 'nas'} {words}")


def _after_training(run: Run, where: str) -> str:
    code = " --run-code" if own_file(run.recipe().model.backbone) else ""
    scored = any("scores" in epoch for epoch in run.epochs())
    following = f". Next:  {program()} report {quote(str(run.folder))} --data {where}{code}" if scored else ""
    return f"done: {run.folder}{following}"


def _after_search(run: Run, where: str) -> str:
    picture, found = run.folder / "search.png", Genotype.load(run.genotype)
    draw_search(run.epochs(), picture)
    return (
        f"found, from the first block to the last: {' '.join(found.placements)}\n"
        f"It is in {run.genotype}; how it came about: {picture}\n"
        f"Train it:  {program()} train RECIPE --data {where} --out runs/child --genotype {quote(str(run.genotype))}"
    )
