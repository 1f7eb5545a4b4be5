"""Distances of pairs that show the same person and of pairs that do not, counted."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.data.protocols import Protocol
from scalereid.retrieval.distances import Distance, Embeddings, check_choice, distance_blocks
from scalereid.retrieval.labelled import Numbers, Sides, sides

BINS = 65_536


@dataclass(frozen=True, eq=False)
class PairDistances:
    """Histograms of the distances between queries and gallery images. In the last bin is also all that is farther."""

    edges: NDArray[np.float64]
    """(bins + 1,) ascending, all of one width."""
    same: NDArray[np.int64]
    """(bins,) pairs of the same person."""
    different: NDArray[np.int64]
    """(bins,) pairs of two people."""

    def rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For each edge (bins + 1,) as threshold the false-match rate and the true-match rate of accepting what is nearer."""
        false, true = (np.concatenate([[0], counts.cumsum()]) / counts.sum() for counts in (self.different, self.same))
        return false, true

    def threshold(self, false_match_rate: float) -> "OperatingPoint":
        """The largest distance below which at most this share of the pairs of two people lies.

        Raises:
            ValueError: there are too few pairs of two people to measure such a rate, or it is no rate.
        """
        pairs = int(self.different.sum())
        if not 0 < false_match_rate < 1:
            raise ValueError(f"a false-match rate of {false_match_rate} is not between 0 and 1")
        if pairs * false_match_rate < 1:
            raise ValueError(
                f"a false-match rate of {false_match_rate:g} cannot be measured with {pairs:,} pairs of two people; it takes "
                f"{int(np.ceil(1 / false_match_rate)):,}"
            )
        false, true = self.rates()
        edge = int(np.searchsorted(false, false_match_rate, side="right")) - 1
        return OperatingPoint(false_match_rate, float(self.edges[edge]), float(false[edge]), float(true[edge]))


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, and what it gives."""

    wanted: float
    """False-match rate asked for."""
    threshold: float
    """Accept a pair as the same person below this distance."""
    false_match_rate: float
    """Share of pairs of two people accepted."""
    true_match_rate: float
    """Share of pairs of one person accepted."""


def pair_distances(
    query: Embeddings,
    gallery: Embeddings,
    *,
    query_pids: Numbers,
    gallery_pids: Numbers,
    query_camids: Numbers,
    gallery_camids: Numbers,
    query_images: Numbers | None = None,
    gallery_images: Numbers | None = None,
    distance: Distance = "cosine",
    protocol: Protocol = "market1501",
) -> PairDistances:
    """Count the distances of all pairs but those that the protocol leaves out (see `score`).

    Raises:
        ValueError: what `score` says of bad input; or there are no pairs of one person, or none of two.
    """
    check_choice("distance", distance, Distance)
    check_choice("protocol", protocol, Protocol)
    both = sides(query, gallery, query_pids, gallery_pids, query_camids, gallery_camids, query_images, gallery_images)
    longest = 2.0 if distance == "cosine" else _farthest_match(both, distance, protocol)
    edges = np.linspace(0, longest * (1 + 1e-6) + 1e-12, BINS + 1)
    same, everybody = (torch.zeros(BINS, dtype=torch.long) for _ in range(2))
    for queries, distances in distance_blocks(both.query, both.gallery, distance):
        matches, ignored = both.matches_and_ignored(queries, protocol)
        bins = distances.mul_(BINS / edges[-1]).clamp_(0, BINS - 1).int()
        same += torch.bincount(bins[matches], minlength=BINS).cpu()
        everybody += (
            torch.bincount(bins.flatten(), minlength=BINS) - torch.bincount(bins[ignored], minlength=BINS)
        ).cpu()
    different = everybody - same
    if not same.any() or not different.any():
        raise ValueError(
            f"there are {int(same.sum())} pairs of one person and {int(different.sum())} of two; it takes both"
        )
    return PairDistances(edges, same.numpy(), different.numpy())


def _farthest_match(both: Sides, distance: Distance, protocol: Protocol) -> float:
    """The largest distance of one person's images. What is farther needs no bins of its own."""
    farthest = 0.0
    for queries, distances in distance_blocks(both.query, both.gallery, distance):
        to_own = distances[both.matches_and_ignored(queries, protocol)[0]]
        farthest = max(farthest, float(to_own.max()) if len(to_own) else 0.0)
    return farthest
