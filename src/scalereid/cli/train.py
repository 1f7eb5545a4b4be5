"""scalereid train: a recipe, or a stopped run, to a trained model."""

from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from scalereid.cli.options import Flat, otherwise
from scalereid.cli.starting import NewRun, RecipeName, Settings, StoppedRun, go_on, require_new_run, start
from scalereid.cli.terminal import Output, program
from scalereid.distributed import is_first
from scalereid.runs.recipe import Recipe
from scalereid.runs.trust import own_code

if TYPE_CHECKING:
    from scalereid.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class TrainOptions(NewRun):
    """A run that does not exist yet, perhaps of an architecture that was searched for."""

    genotype: Annotated[Path | None, otherwise("the recipe's")] = None
    """JSON file with the architecture that `scalereid nas` found."""


def train(recipe: RecipeName, options: Flat[TrainOptions], output: Flat[Output], settings: Settings = Recipe()) -> None:
    """Train by a recipe into a new run, any of the recipe's settings changed:
      scalereid train toy --data data --out runs/x --optimizer.lr 0.03
    Go on with a run that was stopped, or extend one:
      scalereid train --resume runs/x
      scalereid train --resume runs/x --schedule.epochs 80"""
    from scalereid.models.genotype import Genotype

    require_new_run(options.out)
    if options.genotype:
        found = Genotype.load(options.genotype)
        settings = replace(settings, model=replace(settings.model, genotype=found.words))
    _finish(start("train", recipe, settings, options, output), output)


def resume(options: Flat[StoppedRun], output: Flat[Output]) -> None:
    """Go on with a run that was stopped, by its own recipe and in its own folder;
    with more epochs, extend it."""
    _finish(go_on("train", options, output), output)


def _finish(run: "Run", output: Output) -> None:
    if not is_first():
        return
    log = run.log()
    scored = any(entry.scores for entry in log)
    unneeded = {"mutual.backbone", "objective.term", "data.augmentation", "evaluation.also"}
    needed = own_code(run.saved_recipe().names).keys() - unneeded
    code = " --run-code" if needed else ""
    data = quote(run.dataset().data)
    classified = any(entry.class_scores for entry in log)
    following = "classify" if classified else "report"
    command = f". Next:  {program()} {following} {quote(str(run.folder))} --data {data}{code}"
    output.say(f"done: {run.folder}{command if scored or classified else ''}")
    output.result({"run": str(run.folder), "log": log[-1].to_json()})
