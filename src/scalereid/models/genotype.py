"""Placement of instance norm in an OSNet or a DSLNet: a choice for the stem and one for each block, as a small JSON file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from scalereid.files import read_json, write_json
from scalereid.typed_json import from_json
from scalereid.wording import counted

Placement = Literal["none", "inside", "outside", "both"]
"""Instance norm of a block: inside the residual, in place of its last batch norm; outside, after the addition; or both."""
StemNorm = Literal["batch", "instance"]
PLACEMENTS: tuple[Placement, ...] = get_args(Placement)
BLOCKS = 6  # of an OSNet or a DSLNet: two in each of three stages


@dataclass(frozen=True)
class Genotype:
    """Norm of the stem, and placement of instance norm in each of the six blocks, from the first stage to the last.

    Raises:
        ValueError: The number of placements is not six, or the stem's norm or a placement is unknown.
    """

    stem: StemNorm
    placements: tuple[Placement, ...]
    origin: str = ""
    """The paper, or the search, that it comes from."""

    def __post_init__(self) -> None:
        if self.stem not in get_args(StemNorm):
            raise ValueError(f"the genotype's stem norm is {self.stem!r}; choose from {', '.join(get_args(StemNorm))}")
        for choice in self.placements:
            if choice not in PLACEMENTS:
                raise ValueError(f"a placement of the genotype is {choice!r}; choose from {', '.join(PLACEMENTS)}")
        if len(self.placements) != BLOCKS:
            raise ValueError(
                f"the genotype has {counted(len(self.placements), 'placement')}; expected {BLOCKS}, one for each block"
            )

    @classmethod
    def of(cls, words: Sequence[Any], origin: str = "") -> "Genotype":
        """Make a genotype from seven words: the stem's norm, then the placements."""
        stem, *placements = words
        return cls(stem, cast(tuple[Placement, ...], tuple(placements)), origin)

    @property
    def words(self) -> tuple[str, ...]:
        """The seven words that `of` takes, as a recipe holds them."""
        return (self.stem, *self.placements)

    def to_json(self) -> dict[str, Any]:
        """The genotype as JSON values."""
        return {"stem": self.stem, "placements": list(self.placements), "origin": self.origin}

    def save(self, file: Path) -> None:
        """Write the genotype as JSON."""
        write_json(file, self.to_json())

    @classmethod
    def load(cls, file: Path) -> "Genotype":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: The file does not exist.
            ValueError: The file is not a genotype; the message names file and reason.
        """
        if not file.is_file():
            raise FileNotFoundError(f"there is no genotype at {file}")
        try:
            found: Genotype = from_json(cls, read_json(file), "genotype")
            return found
        except ValueError as error:
            raise ValueError(f"{file} is not a genotype: {error}") from error


PLAIN = Genotype(
    "batch", ("none", "none", "none", "none", "none", "none"), "OSNet (arXiv:1905.00953) and DSLNet (ACCV 2020)"
)
IBN = Genotype(
    "instance", ("outside", "outside", "none", "none", "none", "none"), "OSNet-IBN (arXiv:1905.00953, supplement D)"
)
AIN = Genotype(
    "instance", ("inside", "inside", "none", "inside", "inside", "none"), "OSNet-AIN, searched (arXiv:1910.06827)"
)
