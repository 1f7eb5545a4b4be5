"""More epochs for a run, where its schedule permits them without changing its past."""

from dataclasses import replace
from pathlib import Path

from scalereid.runs.recipe import Recipe


def extended(recipe: Recipe, epochs: int, folder: Path) -> Recipe:
    """The recipe of the run in `folder` with more epochs; the same for as many as it has.

    Raises:
        ValueError: They are fewer, or the learning rate of the epochs before would have been another.
    """
    before = recipe.schedule.epochs
    if epochs < before:
        raise ValueError(f"epochs is {epochs}, but {folder} is trained for {before}; choose more than {before}")
    if epochs > before and recipe.schedule.decay == "cosine":
        raise ValueError(
            f"{folder} cannot be extended from {before} to {epochs} epochs: schedule.decay is cosine, by which the learning "
            f"rate falls to 0 over all {before} epochs, and would have fallen more slowly over {epochs}. Start a new run from "
            f"its weights, with model.initial_weights={folder}, or train anew for {epochs} epochs. (Runs whose decay is step "
            "or constant can be extended.)"
        )
    return replace(recipe, schedule=replace(recipe.schedule, epochs=epochs))
