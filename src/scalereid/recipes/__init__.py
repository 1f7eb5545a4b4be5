"""Settings with a name: `scalereid train NAME`."""

from dataclasses import replace

from scalereid.recipes import (
    attributes,
    baselines,
    best,
    classification,
    dslnet,
    generalisation,
    nas,
    osnet,
    small,
    toy,
    zoo,
)
from scalereid.recipes.published import Published
from scalereid.runs.recipe import Recipe

WITHDRAWN = "DukeMTMC-reID was withdrawn by its authors: for those who may still use it."

_ALL: dict[str, Published] = (
    toy.PUBLISHED
    | osnet.PUBLISHED
    | zoo.PUBLISHED
    | small.PUBLISHED
    | dslnet.PUBLISHED
    | baselines.PUBLISHED
    | generalisation.PUBLISHED
    | nas.PUBLISHED
    | attributes.PUBLISHED
    | classification.PUBLISHED
    | best.PUBLISHED
)


def _with_note(entry: Published) -> Published:
    uses = entry.recipe.data.dataset + entry.recipe.evaluation.dataset
    return replace(entry, notes=(*entry.notes, WITHDRAWN)) if "dukemtmc" in uses else entry


PUBLISHED = {name: _with_note(entry) for name, entry in _ALL.items()}
RECIPES: dict[str, Recipe] = {name: entry.recipe for name, entry in PUBLISHED.items()}
