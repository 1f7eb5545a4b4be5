"""What a study compares: a recipe with changed settings, and each training of it."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from scalereid.arguments import check_kind
from scalereid.files import file_name
from scalereid.recipes import RECIPES
from scalereid.runs.recipe import Recipe

Changes = Mapping[str, object]
"""Settings by their dotted names, like `{"model.backbone": "dslnet", "optimizer.lr": 0.03}`."""


@dataclass(frozen=True)
class Row:
    """A recipe and what is changed in it.

    Raises:
        ValueError: It is another kind of value.
    """

    base: str | Recipe
    """A recipe, or the name of one."""
    changes: Changes = field(default_factory=dict)
    """The changed settings, by dotted name."""

    def __post_init__(self) -> None:
        check_kind("base", self.base, str | Recipe)
        check_kind("changes", self.changes, Mapping)

    def recipe(self) -> Recipe:
        """The recipe with its changes.

        Raises:
            ValueError: The recipe or a setting does not exist, or a value does not fit; the message names it.
        """
        if isinstance(self.base, str) and self.base not in RECIPES:
            raise ValueError(f"No such recipe: {self.base!r}. {_nearest(self.base, RECIPES)}")
        values = (RECIPES[self.base] if isinstance(self.base, str) else self.base).to_json()
        known = [f"{group}.{name}" for group, names in values.items() if isinstance(names, dict) for name in names]
        for setting, value in self.changes.items():
            if setting == "seed":
                raise ValueError("seed is among the changes; choose the seeds of the study instead")
            if setting not in known:
                raise ValueError(f"No such setting: {setting!r}. {_nearest(setting, known)}")
            group, _, name = setting.partition(".")
            values[group][name] = value
        return Recipe.from_json(values)


class StudyRun(NamedTuple):
    """One training of a row."""

    row: str
    seed: int
    split: str
    """Name of the split; empty in a study without splits."""
    settings: Row
    """The row, changed to this split."""
    recipe: Recipe
    """The recipe of these settings and this seed."""

    @property
    def name(self) -> str:
        """Its folder within the study's: ROW/seed-N, or ROW/seed-N/SPLIT."""
        return "/".join(filter(None, (file_name(self.row), f"seed-{self.seed}", file_name(self.split))))


def _nearest(name: str, known: Iterable[str]) -> str:
    """Advice after an unknown name."""
    options = list(known)
    return f"Choose from {', '.join(difflib.get_close_matches(name, options, n=3) or options)}."
