"""Settings with a name: `scalereid train NAME`."""

from scalereid.recipes import baselines, dslnet, generalisation, nas, osnet, small, toy, zoo
from scalereid.recipes.published import Published
from scalereid.runs.recipe import Recipe

PUBLISHED: dict[str, Published] = (
    toy.PUBLISHED
    | osnet.PUBLISHED
    | zoo.PUBLISHED
    | small.PUBLISHED
    | dslnet.PUBLISHED
    | baselines.PUBLISHED
    | generalisation.PUBLISHED
    | nas.PUBLISHED
)
RECIPES: dict[str, Recipe] = {name: entry.recipe for name, entry in PUBLISHED.items()}
