"""Histograms of distances: of pairs that show the same person, and of pairs that do not."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.arguments import check_choice
from scalereid.data.protocols import Protocol
from scalereid.retrieval import Distance
from scalereid.retrieval.distances import distance_blocks
from scalereid.retrieval.intervals import sum_interval
from scalereid.retrieval.labelled import LabelledEmbeddings, paired
from scalereid.retrieval.matches import matches_and_left_out
from scalereid.wording import counted

BINS = 65_536
LONGEST = 2.0  # cosine distance


@dataclass(frozen=True, eq=False)
class PairDistances:
    """Histograms of the distances between images. The last bin also holds all that is farther."""

    edges: NDArray[np.float64]
    """(bins + 1,) ascending, equally spaced."""
    same: NDArray[np.float64] | NDArray[np.int64]
    """(bins,) number of pairs of the same person; not whole where it is estimated from a sample."""
    different: NDArray[np.float64] | NDArray[np.int64]
    """(bins,) number of pairs of two people, likewise."""
    sample: "PairDistances | None" = None
    """The labelled pairs, each counted once, where the numbers are estimated from those; None where every pair was counted."""

    @property
    def seen(self) -> "PairDistances":
        """The pairs whose people are known: the sample, or all."""
        return self.sample or self

    def __repr__(self) -> str:
        return (
            f"<PairDistances: {counted(int(self.same.sum()), 'pair')} of one person, {self.different.sum():,} of two>"
        )

    def rates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The false-match rate and the true-match rate of accepting pairs below each edge (bins + 1,)."""
        below = [np.concatenate([[0], counts.cumsum()]) for counts in (self.different, self.same)]
        false, true = (
            sums / sums[-1] for sums in below
        )  # not by their sum, which may be rounded to less than the last
        return false, true

    @cached_property
    def false_match_interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The 95 % interval of the false-match rate below each edge (bins + 1,), as a sample tells that of all its pairs.

        Without a sample, both ends are the false-match rate, as all pairs were counted.

        Raises:
            ModuleNotFoundError: SciPy is not installed.
        """
        if not self.sample:
            return self.rates()[0], self.rates()[0]
        counts = self.sample.same + self.sample.different
        at = np.flatnonzero(counts)  # between these bins nothing changes
        weights = (self.same + self.different)[at] / counts[at]
        sums, squares = (
            np.concatenate([[0], (self.sample.different[at] * weights**power).cumsum()]) for power in (1, 2)
        )
        heaviest = np.maximum.accumulate(np.append(weights, 0))  # of the pairs below, and of the next one
        low, high = sum_interval(sums, squares, heaviest)
        bins_below = np.searchsorted(at, np.arange(len(self.edges)))
        return low[bins_below] / sums[-1], np.maximum.accumulate(high)[bins_below] / sums[-1]

    @property
    def effective_same(self) -> float:
        """Number of pairs of one person of equal weights that would tell as much (Kish, Survey Sampling, 1965)."""
        counts = self.seen.same
        squares = np.divide(self.same**2.0, counts, out=np.zeros(len(counts)), where=counts > 0)
        return float(self.same.sum() ** 2 / squares.sum())

    @cached_property
    def smallest_rate(self) -> float:
        """The smallest false-match rate that the pairs can measure."""
        return float(self.false_match_interval[1][0]) if self.sample else 1 / float(self.different.sum())

    def threshold(self, false_match_rate: float) -> "OperatingPoint":
        """The largest distance below which at most this share of the pairs of two people lies.

        Raises:
            ValueError: The rate is not between 0 and 1, or there are too few pairs of two people to measure it.
        """
        if not 0 < false_match_rate < 1:
            raise ValueError(f"a false-match rate of {false_match_rate} is not between 0 and 1")
        if false_match_rate < self.smallest_rate:
            pairs = (
                f"{counted(int(self.seen.different.sum()), 'labelled pair' if self.sample else 'pair')} of two people"
            )
            takes = (
                f"the smallest that they can tell is {self.smallest_rate:.2g}"
                if self.sample
                else f"it takes {int(np.ceil(1 / false_match_rate)):,}"
            )
            raise ValueError(f"a false-match rate of {false_match_rate:g} cannot be measured with {pairs}; {takes}")
        false, true = self.rates()
        edge = _last_below(false, false_match_rate)
        interval = None
        if self.sample:
            low, high = self.false_match_interval
            nearest, farthest = (_last_below(bound, false_match_rate) for bound in (high, low))
            interval = (float(self.edges[nearest]), float(self.edges[farthest]))
        return OperatingPoint(
            false_match_rate, float(self.edges[edge]), float(false[edge]), float(true[edge]), interval
        )


def _last_below(rates: NDArray[np.float64], rate: float) -> int:
    """The last of ascending rates that is at most `rate`."""
    return int(np.searchsorted(rates, rate, side="right")) - 1


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
    interval: tuple[float, float] | None = None
    """95 % interval of the threshold that all pairs would give, where only a sample of them was labelled."""


def sampled_pair_distances(
    distances: NDArray[np.floating], same: NDArray[np.bool_], weights: NDArray[np.floating]
) -> PairDistances:
    """Estimate the histograms of all pairs from cosine distances (k,) of labelled ones.

    Args:
        distances: Cosine distance of each pair.
        same: Whether it shows one person.
        weights: Number of pairs that it stands for.

    Raises:
        ValueError: There are no pairs of one person, or none of two.
    """
    if same.all() or not same.any():
        raise ValueError(_one_kind(int(same.sum()), int((~same).sum())))
    edges = _edges(LONGEST)
    bins = (distances * (BINS / edges[-1])).clip(0, BINS - 1).astype(np.int64)
    kinds = [np.bincount(bins[kind], minlength=BINS) for kind in (same, ~same)]
    weighted = [np.bincount(bins[kind], weights[kind], BINS) for kind in (same, ~same)]
    return PairDistances(edges, weighted[0], weighted[1], sample=PairDistances(edges, kinds[0], kinds[1]))


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
    edges = _edges(LONGEST if distance == "cosine" else _farthest_match(query, gallery, distance, protocol))
    same, every = (torch.zeros(BINS, dtype=torch.long) for _ in range(2))
    for rows, distances in distance_blocks(query.embeddings, gallery.embeddings, distance):
        matches, left_out = matches_and_left_out(query.rows(rows), gallery, protocol)
        bins = distances.mul_(BINS / edges[-1]).clamp_(0, BINS - 1).int()
        same += torch.bincount(bins[matches], minlength=BINS).cpu()
        every += (torch.bincount(bins.flatten(), minlength=BINS) - torch.bincount(bins[left_out], minlength=BINS)).cpu()
    different = every - same
    if not same.any() or not different.any():
        raise ValueError(_one_kind(int(same.sum()), int(different.sum())))
    return PairDistances(edges, same.numpy(), different.numpy())


def _edges(longest: float) -> NDArray[np.float64]:
    return np.linspace(0, longest * (1 + 1e-6) + 1e-12, BINS + 1)


def _one_kind(same: int, different: int) -> str:
    return f"found {counted(same, 'pair')} of one person and {different} of two; it takes both"


def _farthest_match(
    query: LabelledEmbeddings, gallery: LabelledEmbeddings, distance: Distance, rule: Protocol
) -> float:
    """The largest distance of one person's images. What is farther needs no bins of its own."""
    farthest = 0.0
    for rows, distances in distance_blocks(query.embeddings, gallery.embeddings, distance):
        to_matches = distances[matches_and_left_out(query.rows(rows), gallery, rule)[0]]
        farthest = max(farthest, float(to_matches.max()) if len(to_matches) else 0.0)
    return farthest
