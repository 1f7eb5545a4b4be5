"""What a page shows, and how much of it."""

from dataclasses import dataclass
from typing import Literal

from scalereid.arguments import check_choice, check_number, check_whole

What = Literal["activation", "gates", "attributes", "retrieval", "map"]


@dataclass(frozen=True, kw_only=True)
class LookSettings:
    """What a page shows, and how much of it.

    Raises:
        ValueError: One is unknown or out of range.
    """

    what: tuple[What, ...] = ()
    """Parts of the page, in their order. Defaults to all that the models have."""
    images: int | None = None
    """Number of images of each part. Defaults to 12 for activation maps, 300 for gates, 24 for attributes, 60 queries, 160 on
    the map, which has 1,000 at most."""
    stages: tuple[int, ...] = ()
    """Stages whose activation maps are shown, from 1 on. Defaults to all."""
    clusters: int = 4
    """Number of clusters of images by their gates."""
    top: int = 8
    """Number of gallery images shown for each query."""
    blur: float = 0.02
    """Standard deviation of the blur, as a share of the picture's height."""
    occlusion: float = 0.4
    """Share of the picture's height that is hidden, from below."""
    gamma: float = 2.0
    """Exponent by which pictures are darkened."""
    seed: int = 0
    """Seed of clusters and map."""

    def __post_init__(self) -> None:
        for part in self.what:
            check_choice("what", part, What)
        if self.images is not None:
            check_whole("images", self.images, 4)
        for stage in self.stages:
            check_whole("stages", stage, 1)
        check_whole("clusters", self.clusters, 2, 12)
        check_whole("top", self.top, 1, 50)
        check_number("blur", self.blur, 0, 1)
        check_number("occlusion", self.occlusion, 0, 1)
        check_number("gamma", self.gamma, 0.01, 100)
        check_whole("seed", self.seed, 0, 2**32 - 1)

    def number(self, default: int) -> int:
        """Number of images of a part that has `default` of them."""
        return self.images or default
