"""A recipe with what was published for it."""

from dataclasses import dataclass

from scalereid.runs.recipe import Recipe

# The four datasets of the papers' tables, by the word for them in a recipe's name.
DATASETS = {"market1501": "market1501", "duke": "dukemtmc-reid", "cuhk03": "cuhk03-np-detected", "msmt17": "msmt17"}
Scores = tuple[
    float, float | None
]  # rank-1 and mAP in per cent (None where only rank-1 is given), by the recipe's own distance
Ranks = tuple[float, float]  # rank-5 and rank-10


def by_dataset(*scores: Scores) -> dict[str, Scores]:
    """Scores on each of the four datasets, in their order."""
    return dict(zip(DATASETS, scores, strict=True))


@dataclass(frozen=True)
class Published:
    """A recipe, the scores that its source reports for it, and what to know about both."""

    recipe: Recipe
    source: str
    """The paper and its table; empty where nothing was published."""
    scores: Scores | None = None
    notes: tuple[str, ...] = ()
    ranks: Ranks | None = None
    top1_error: float | None = None
    """Of classification, in per cent."""
