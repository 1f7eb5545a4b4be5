"""A recipe as a file holds it, of which a trained model needs a few settings."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from scalereid.data.framing import Framing
from scalereid.data.image_size import ImageSize
from scalereid.data.protocols import Protocol
from scalereid.retrieval import Distance
from scalereid.runs.recipe import DataSettings, EvaluationSettings, ModelSettings, Recipe
from scalereid.runs.trust import PLACES
from scalereid.typed_json import from_json, parse


@dataclass(frozen=True)
class SavedRecipe:
    """A recipe that may name what is unknown here: a setting is checked when it is asked for, and no other.

    So a model can be used wherever its network can be built, whatever it was trained with.

    Raises:
        ValueError: A setting that is asked for is unknown or has a value that does not fit; the message names it.
    """

    text: str
    """The recipe as JSON."""

    @cached_property
    def _values(self) -> dict[str, Any]:
        values: dict[str, Any] = from_json(dict[str, Any], parse(self.text), "recipe")
        return values

    def _group(self, kind: Any, group: str, *names: str) -> Any:
        """A group of settings, of which only `names` are read, or all without any."""
        values = self._values.get(group, {})
        if names and isinstance(values, dict):
            values = {name: values[name] for name in names if name in values}
        return from_json(kind, values, f"recipe.{group}")

    @cached_property
    def model(self) -> ModelSettings:
        """The network, of which no setting may be unknown."""
        settings: ModelSettings = self._group(ModelSettings, "model")
        return settings

    @property
    def names(self) -> dict[str, str]:
        """What it names where it may name a Python file, by setting: see `trust`. Several datasets are as `A+B`."""
        found = {}
        for setting in PLACES:
            group, _, name = setting.partition(".")
            values = self._values.get(group)
            value = values.get(name) if isinstance(values, dict) else None
            named = [value] if isinstance(value, str) else value
            if isinstance(named, list) and all(isinstance(one, str) for one in named):
                found[setting] = "+".join(named)
        return found

    @property
    def image_size(self) -> ImageSize:
        """(height, width) of its images."""
        size: ImageSize = self._group(DataSettings, "data", "image_size").image_size
        return size

    @property
    def framing(self) -> Framing:
        """Which part of an image it sees."""
        framing: Framing = self._group(DataSettings, "data", "framing").framing
        return framing

    @property
    def dataset(self) -> str:
        """Name of the dataset that it is scored on."""
        other: str = self._group(EvaluationSettings, "evaluation", "dataset").dataset
        trained_on: str = self._group(DataSettings, "data", "dataset").dataset
        return other or trained_on

    @property
    def attributes(self) -> str:
        """The table of the attributes that it learned; empty for none."""
        table: str = self._group(DataSettings, "data", "attributes").attributes
        return table

    @property
    def distance(self) -> Distance:
        """Distance between its embeddings."""
        distance: Distance = self._group(EvaluationSettings, "evaluation", "distance").distance
        return distance

    @property
    def protocol(self) -> Literal["dataset"] | Protocol:
        """Which gallery images count."""
        protocol: Literal["dataset"] | Protocol = self._group(EvaluationSettings, "evaluation", "protocol").protocol
        return protocol

    def whole(self) -> Recipe:
        """All settings, as training needs them."""
        return Recipe.from_json(self._values)
