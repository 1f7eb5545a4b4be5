"""Options that several commands share, with their help texts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from tyro.conf import DisallowNone, FlagCreatePairsOff, arg

from scalereid.data.protocols import Protocol
from scalereid.data.readers.paths import FoldersOf
from scalereid.retrieval import Distance


def otherwise(words: str) -> object:
    """For an option that is None or empty by default: what that means, in words for its help."""
    empty = ("None", "", "''")
    return arg(help_behavior_hint=lambda default: f"(default: {words if default in empty else default})")


T = TypeVar("T")
Flat = Annotated[T, arg(name=""), FlagCreatePairsOff, DisallowNone]
"""A dataclass of options whose flags are those of its fields, without a prefix."""

Switch = Annotated[bool, arg(help_behavior_hint="")]
"""A flag without a value, whose help need not tell its default."""
DataFolder = Annotated[Path, arg(help="Folder of the datasets.")]
FoldersOption = Annotated[
    FoldersOf | None,
    arg(
        help="Whose folders hold the images: gives people or cameras their numbers.",
        help_behavior_hint="(default: cameras where all are named like cam1)",
    ),
]
RunCode = Annotated[
    bool,
    arg(
        help="Run the code that comes with the model: Python files that its recipe names, or a .pt2 file's program.",
        help_behavior_hint="",
    ),
]
Device = Annotated[str, arg(help="Device to compute on: auto, cpu, cuda, cuda:1, …")]


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """One dataset."""

    data: DataFolder
    dataset: Annotated[str | None, otherwise("the one the run was scored on")] = None
    """Name of the dataset; see `scalereid datasets`."""


@dataclass(frozen=True, kw_only=True)
class DistanceOptions:
    """Which distance, and which gallery images count."""

    distance: Annotated[Distance | None, otherwise("the recipe's, or cosine")] = None
    """Distance between embeddings."""
    protocol: Annotated[Protocol | None, otherwise("the recipe's or the dataset's")] = None
    """Which gallery images count."""
