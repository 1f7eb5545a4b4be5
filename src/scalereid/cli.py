"""The commands. The only file that knows the command line."""

import difflib
import io
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table
from tyro.conf import Positional, arg

from scalereid import __version__, assembly, evaluation, experiment
from scalereid.data.toy import draw_toy_once
from scalereid.evaluation import Evaluation
from scalereid.figures.curves import require_matplotlib
from scalereid.figures.report import write_report
from scalereid.figures.search import draw_search
from scalereid.models.genotype import Genotype
from scalereid.process import choose_device, keep_freed_memory
from scalereid.progress import Progress
from scalereid.recipe import Recipe
from scalereid.recipes import RECIPES
from scalereid.retrieval.distances import Distance
from scalereid.run import Run, write_json
from scalereid.tables import backbones_table, datasets_table, recipes_tables
from scalereid.training.loop import Interrupted


def demo(
    out: Annotated[Path, arg(help="The run's folder; with a number added where it exists.")] = Path("runs/demo"),
    data: Annotated[Path, arg(help="Where the pictures are drawn.")] = Path("data"),
    device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
) -> None:
    """Draw toy people, train on some, find the others, and write a report. Offline, minutes on two cores."""
    require_matplotlib()
    progress = Progress()
    out = _free(out)
    _draw_toy_people(data, progress)
    dataset = assembly.read_dataset("toy", data)
    counts = dataset.counts()
    progress.say(f"1. {counts['train'].people} drawn people to learn from, {counts['query'].people} others to find")
    progress.say(f"2. Training into {out} …")
    run = experiment.train(RECIPES["toy"], data=data, out=out, device=device, progress=progress)
    progress.say("3. Evaluating …")
    scored, page = _report(run, data, device, False, progress)
    untrained = run.epochs()[0]["scores"]
    program = _program()
    progress.say(
        f"\n{scored}\n\n"
        f"untrained network: mAP {untrained['mAP']:.2%}, rank-1 {untrained['cmc'][0]:.2%}\n"
        f"trained network:   mAP {scored.scores.mAP:.2%}, rank-1 {scored.scores.rank(1):.2%}\n\n"
        f"Look at it:      {page}\n"
        f"Score it again:  {program} evaluate {run.folder} --data {data}\n"
        f"Train yourself:  {program} train toy --data {data} --out runs/mine --schedule.epochs 40\n"
        f"Real people:     {program} train osnet_x0_25_market1501_dev --data FOLDER --out runs/market"
    )


def _train_with(guess: str, again: Callable[[str], None], *, searching: bool) -> Callable[..., None]:
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
            if settings.data.dataset == "toy":
                choose_device(device)  # which fails at once, not after drawing
                _draw_toy_people(data, progress)
            run = experiment.train(settings, data=data, out=out, device=device, progress=progress)
        where = quote(str(run.dataset()["data"] if data is None else data))
        progress.say(_after_search(run, where) if searching else _after_training(run, where))

    if searching:
        train.__doc__ = (
            "Search where an OSNet needs instance norm: scalereid nas nas_toy --data data --out runs/search."
        )
    return train


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
    code = " --run-code" if assembly.own_file(run.recipe().model.backbone) else ""
    scored = any("scores" in epoch for epoch in run.epochs())
    following = f". Next:  {_program()} report {quote(str(run.folder))} --data {where}{code}" if scored else ""
    return f"done: {run.folder}{following}"


def _after_search(run: Run, where: str) -> str:
    picture, found = run.folder / "search.png", Genotype.load(run.genotype)
    draw_search(run.epochs(), picture)
    return (
        f"found, from the first block to the last: {' '.join(found.placements)}\n"
        f"It is in {run.genotype}; how it came about: {picture}\n"
        f"Train it:  {_program()} train RECIPE --data {where} --out runs/child --genotype {quote(str(run.genotype))}"
    )


def evaluate(
    source: Annotated[Positional[str], arg(metavar="RUN-OR-WEIGHTS", help="A run, our weights, or torchreid's.")],
    *,
    data: Annotated[Path, arg(help="The dataset's folder.")],
    dataset: Annotated[str | None, arg(help="Its name (`scalereid datasets`); a run's own unless told.")] = None,
    distance: Annotated[Distance | None, arg(help="Between embeddings; the recipe's, or cosine.")] = None,
    flip: Annotated[bool, arg(help="Add each image's mirror image's embedding to its own.")] = False,
    image_size: Annotated[tuple[int, int] | None, arg(help="Height and width; the recipe's, or 256 128.")] = None,
    out: Annotated[Path | None, arg(help="A JSON file for the scores and how they were made.")] = None,
    run_code: Annotated[bool, arg(help="Run the Python file that the model's backbone is.")] = False,
    device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
) -> None:
    """Score a model on a dataset's query and gallery images: mAP, mINP, CMC."""
    progress = Progress()
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
    scored = evaluation.evaluate(
        source,
        data=data,
        dataset=dataset,
        distance=distance,
        flip=flip,
        image_size=image_size,
        device=device,
        run_code=run_code,
        progress=progress,
    )
    progress.say(f"\n{scored}")
    if out:
        write_json(out, scored.to_json())


def report(
    run: Annotated[Positional[Path], arg(metavar="RUN", help="The run's folder.")],
    *,
    data: Annotated[Path, arg(help="The dataset's folder.")],
    run_code: Annotated[bool, arg(help="Run the Python file that the model's backbone is.")] = False,
    device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
) -> None:
    """Write a run's report: scores, training curve, ranked lists, mistakes; one page with pictures."""
    require_matplotlib()
    progress = Progress()
    scored, page = _report(Run(run), data, device, run_code, progress)
    progress.say(f"\n{scored}\n\nLook at it: {page}")


def models() -> None:
    """List the backbones, with their sizes and what they cost for one image of 256×128."""
    _print(backbones_table())


def recipes(
    words: Annotated[
        Positional[tuple[str, ...]], arg(metavar="[WORD ...]", help="Only names with all of these in.")
    ] = (),
) -> None:
    """List the recipes, with the scores published for them, where, and what to know about either."""
    _print(*recipes_tables(words))


def datasets() -> None:
    """List the datasets that can be read."""
    _print(datasets_table())


def main(arguments: list[str] | None = None) -> None:
    """Run the command that the command line names; exit with 1 on an error and 130 when stopped."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without × still shows the rest
    if arguments == ["--version"]:
        print(f"scalereid {__version__}")
        return
    keep_freed_memory()
    try:
        # Most likely the recipe is the first word that is a recipe's name; the command itself knows for sure.
        _parse(arguments, next((word for word in arguments[1:] if word in RECIPES), ""))
    except Interrupted as stopped:
        print(f"stopped and saved. Go on with:  {_program()} train --resume {quote(str(stopped))}", file=sys.stderr)
        sys.exit(130)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except (ValueError, OSError, FloatingPointError, ModuleNotFoundError) as error:
        if os.environ.get("SCALEREID_TRACEBACK"):
            raise
        print(f"scalereid: {error}\n(SCALEREID_TRACEBACK=1 shows where this was raised)", file=sys.stderr)
        sys.exit(1)


def _parse(arguments: list[str], recipe: str) -> None:
    """Run the command, the settings of `train` starting from those of `recipe`."""
    commands: dict[str, Callable[..., Any]] = {
        "demo": demo,
        "train": _train_with(recipe, again=lambda other: _parse(arguments, other), searching=False),
        "nas": _train_with(recipe, again=lambda other: _parse(arguments, other), searching=True),
        "evaluate": evaluate,
        "report": report,
        "models": models,
        "recipes": recipes,
        "datasets": datasets,
    }
    description = "Person re-identification with features at every scale. --version says which scalereid this is."
    tyro.extras.subcommand_cli_from_dict(commands, prog="scalereid", description=description, args=arguments)


def _report(run: Run, data: Path, device: str, run_code: bool, progress: Progress) -> tuple[Evaluation, Path]:
    run.recipe()  # says so when it is no run
    scored = evaluation.evaluate(run.folder, data=data, device=device, run_code=run_code, progress=progress)
    page = write_report(
        run,
        scores=scored.scores,
        epoch=scored.epoch,
        summary=str(scored),
        ranking=scored.rank(),
        dataset=scored.dataset,
    )
    return scored, page


def _draw_toy_people(data: Path, progress: Progress) -> None:
    progress.say(f"toy people are drawn into {data} (a minute), unless they are there already …")
    draw_toy_once(data)


def _program() -> str:
    """What to type for this program here: its name where the shell finds it, else its path."""
    return "scalereid" if shutil.which("scalereid") else os.path.relpath(sys.argv[0])


def _free(folder: Path) -> Path:
    """`folder`, or the first of folder-2, folder-3, … that does not exist."""
    candidates = (folder if i == 1 else folder.with_name(f"{folder.name}-{i}") for i in range(1, 1_000_000))
    return next(candidate for candidate in candidates if not candidate.exists())


def _print(*tables: Table) -> None:
    for table in tables:
        Console().print(table)
