"""Histograms of distances: of pairs that show the same person, and of pairs that do not."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.data.protocols import Protocol
from scalereid.retrieval.distances import Distance, check_choice, distance_blocks
from scalereid.retrieval.labelled import LabelledEmbeddings, paired
from scalereid.retrieval.matches import matches_and_left_out

BINS = 65_536


@dataclass(frozen=True, eq=False)
class PairDistances:
    """Histograms of the distances between queries and gallery images. The last bin also holds all that is farther."""

    edges: NDArray[np.float64]
    """(bins + 1,) ascending, equally spaced."""
    same: NDArray[np.int64]
    """(bins,) number of pairs of the same person."""
    different: NDArray[np.int64]
    """(bins,) number of pairs of two people."""

    def rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The false-match rate and the true-match rate of accepting pairs below each edge (bins + 1,)."""
        false, true = (np.concatenate([[0], counts.cumsum()]) / counts.sum() for counts in (self.different, self.same))
        return false, true

    def threshold(self, false_match_rate: float) -> "OperatingPoint":
        """The largest distance below which at most this share of the pairs of two people lies.

        Raises:
            ValueError: The rate is not between 0 and 1, or there are too few pairs of two people to measure it.
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
    """A threshold, and the error rates it gives."""

    wanted: float
    """False-match rate asked for."""
    threshold: float
    """Accept a pair as the same person below this distance."""
    false_match_rate: float
    """Share of pairs of two people accepted."""
    true_match_rate: float
    """Share of pairs of one person accepted."""


def pair_distances(
    query: LabelledEmbeddings,
    gallery: LabelledEmbeddings,
    *,
    distance: Distance = "cosine",
    protocol: Protocol = "market1501",
) -> PairDistances:
    """Count the distances of all pairs of a query and a gallery image but those that the protocol leaves out.

    Raises:
        ValueError: What `score` says of bad input; or there are no pairs of one person, or none of two.
    """
    check_choice("distance", distance, Distance)
    check_choice("protocol", protocol, Protocol)
    query, gallery = paired(query, gallery)
    longest = 2.0 if distance == "cosine" else _farthest_match(query, gallery, distance, protocol)
    edges = np.linspace(0, longest * (1 + 1e-6) + 1e-12, BINS + 1)
    same, every = (torch.zeros(BINS, dtype=torch.long) for _ in range(2))
    for rows, distances in distance_blocks(query.embeddings, gallery.embeddings, distance):
        matches, left_out = matches_and_left_out(query.rows(rows), gallery, protocol)
        bins = distances.mul_(BINS / edges[-1]).clamp_(0, BINS - 1).int()
        same += torch.bincount(bins[matches], minlength=BINS).cpu()
        every += (torch.bincount(bins.flatten(), minlength=BINS) - torch.bincount(bins[left_out], minlength=BINS)).cpu()
    different = every - same
    if not same.any() or not different.any():
        raise ValueError(
            f"there are {int(same.sum())} pairs of one person and {int(different.sum())} of two; it takes both"
        )
    return PairDistances(edges, same.numpy(), different.numpy())


def _farthest_match(
    query: LabelledEmbeddings, gallery: LabelledEmbeddings, distance: Distance, rule: Protocol
) -> float:
    """The largest distance of one person's images. What is farther needs no bins of its own."""
    farthest = 0.0
    for rows, distances in distance_blocks(query.embeddings, gallery.embeddings, distance):
        to_matches = distances[matches_and_left_out(query.rows(rows), gallery, rule)[0]]
        farthest = max(farthest, float(to_matches.max()) if len(to_matches) else 0.0)
    return farthest
