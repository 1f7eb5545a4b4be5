"""Where instance norm stands in an OSNet: a choice for the stem and one for each block, as a small JSON file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

Placement = Literal["none", "inside", "outside", "both"]
"""Of instance norm in a block: inside the residual, in place of its last batch norm; outside, after the addition; or both."""
StemNorm = Literal["batch", "instance"]
PLACEMENTS: tuple[Placement, ...] = get_args(Placement)
BLOCKS = 6  # of an OSNet: two in each of three stages


@dataclass(frozen=True)
class Genotype:
    """The norm of the stem, and a placement for each of the six blocks from the first stage to the last.

    Raises:
        ValueError: there are not six placements, or one is unknown.
    """

    stem: StemNorm
    placements: tuple[Placement, ...]
    origin: str = ""
    """Where it came from: a paper, or the search that found it."""

    def __post_init__(self) -> None:
        unknown = [choice for choice in self.placements if choice not in PLACEMENTS]
        if self.stem not in get_args(StemNorm):
            raise ValueError(f"a genotype's stem norm is {self.stem!r}; it can be {', '.join(get_args(StemNorm))}")
        if unknown:
            raise ValueError(f"a genotype's placement is {unknown[0]!r}; it can be {', '.join(PLACEMENTS)}")
        if len(self.placements) != BLOCKS:
            raise ValueError(f"a genotype has {len(self.placements)} placements; an OSNet has {BLOCKS} blocks")

    @classmethod
    def of(cls, words: Sequence[Any], origin: str = "") -> "Genotype":
        """From seven words: the stem's norm, then the placements."""
        stem, *placements = words
        return cls(stem, cast(tuple[Placement, ...], tuple(placements)), origin)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"stem": self.stem, "placements": list(self.placements), "origin": self.origin}

    def save(self, file: Path) -> None:
        """Write it as JSON."""
        file.write_text(json.dumps(self.to_json(), indent=2) + "\n")

    @classmethod
    def load(cls, file: Path) -> "Genotype":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it holds no genotype; the message names file and reason.
        """
        if not file.is_file():
            raise FileNotFoundError(f"there is no genotype at {file}")
        try:
            values = json.loads(file.read_text())
            return cls.of([values["stem"], *values["placements"]], values.get("origin", ""))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} holds no genotype: {error}") from error


PLAIN = Genotype("batch", ("none", "none", "none", "none", "none", "none"), "OSNet (arXiv:1905.00953)")
IBN = Genotype(
    "instance", ("outside", "outside", "none", "none", "none", "none"), "OSNet-IBN (arXiv:1905.00953, supplement D)"
)
AIN = Genotype(
    "instance", ("inside", "inside", "none", "inside", "inside", "none"), "OSNet-AIN, searched (arXiv:1910.06827)"
)
