"""Pairs of images worth labelling: few labels, from which error rates among all pairs can be estimated."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.arguments import check_whole
from scalereid.retrieval.distances import Embeddings, as_matrix, distance_blocks
from scalereid.retrieval.labelled import Numbers, whole_numbers
from scalereid.retrieval.pairs import BINS, LONGEST

_PER_STRATUM = 10
_MOST = 10_000_000  # pairs, which nobody labels


class DrawnPairs(NamedTuple):
    """Pairs of embeddings to label, in the order in which to label them: any first few are a sample of the same kind."""

    first: NDArray[np.int64]
    """(k,) row of one embedding of each pair."""
    second: NDArray[np.int64]
    """(k,) row of the other, which is larger."""
    distances: NDArray[np.float64]
    """(k,) cosine distances."""
    weights: NDArray[np.float64]
    """(k,) number of pairs that each stands for: pairs in its stratum / pairs drawn from it."""
    pairs: int
    """Number of all pairs that could have been drawn, the sum of the weights."""


def draw_pairs(
    embeddings: Embeddings, number: int = 200, *, camids: Numbers | None = None, seed: int = 0
) -> DrawnPairs:
    """Draw pairs to label from all pairs of embeddings (n, d), evenly over the orders of magnitude of similarity.

    Nearly all random pairs show two people, and are easily told apart; what a threshold needs are the most similar ones. All
    pairs, most similar first, are cut into strata of which each reaches a certain number of times as far down as the one
    before, and 10 pairs are drawn from each: as many to learn of a false-match rate of 10⁻³ as of 10⁻². Within a stratum,
    every pair is equally likely.

    All distances are computed twice, in blocks: memory does not grow with the number of pairs.

    Args:
        embeddings: One row per image; list no image twice.
        number: Number of pairs to draw; all pairs, if there are fewer.
        camids: (n,) camera of each image, −1 if not known. Then only pairs from two known cameras are drawn: consecutive
            images of one camera are nearly copies.
        seed: Seed of the draws.

    Raises:
        ValueError: There are no two images to compare, or `number` is below 1, or embeddings are not finite.
    """
    matrix = as_matrix(embeddings, "image")
    cameras = None if camids is None else whole_numbers(camids, "camids", matrix)
    check_whole("number", number, 1, _MOST)
    check_whole("seed", seed, 0)
    counts = np.zeros(BINS, dtype=np.int64)
    for _, bins, _ in _blocks(matrix, cameras):
        counts += torch.bincount(bins[bins >= 0], minlength=BINS).cpu().numpy()
    if not counts.any():
        where = "from two cameras " if cameras is not None else ""
        raise ValueError(f"no two of the {len(matrix)} images {where}can be compared; expected at least one pair")
    stratum_of_bin, sizes = _strata(counts, number)
    shares = _shares(sizes, number)
    rng = np.random.default_rng(seed)
    wanted = [np.sort(rng.choice(size, share, replace=False)) for size, share in zip(sizes, shares, strict=True)]
    rows, strata = _find(lambda: _blocks(matrix, cameras), stratum_of_bin, wanted)
    order = _alternating(strata, shares, rng)
    first, second, distances = (np.array(column)[order] for column in zip(*rows, strict=True))
    return DrawnPairs(first, second, distances.astype(float), (sizes / shares)[strata[order]], int(counts.sum()))


def _blocks(matrix: Tensor, cameras: Tensor | None) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Per block its first row, and the distances (rows, n) as bins, −1 where there is no pair to draw, and as they are."""
    columns = torch.arange(len(matrix), device=matrix.device)
    for rows, distances in distance_blocks(matrix, matrix, "cosine"):
        drawable = columns > columns[rows, None]
        if cameras is not None:
            own = cameras[rows, None]
            drawable &= (own != cameras) & (own >= 0) & (cameras >= 0)
        bins = (distances * (BINS / LONGEST)).clamp_(0, BINS - 1).int()
        yield rows.start, torch.where(drawable, bins, -1), distances


def _strata(counts: NDArray[np.int64], number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The stratum of each bin, and the number of pairs in each stratum; their ends are evenly spaced in the logarithm."""
    reached = counts.cumsum()
    ends = np.geomspace(min(_PER_STRATUM, reached[-1]), reached[-1], max(1, number // _PER_STRATUM))
    last_bins = np.unique(np.searchsorted(reached, np.round(ends[:-1])))
    stratum_of_bin = np.searchsorted(last_bins, np.arange(len(counts)))
    sizes = np.bincount(stratum_of_bin, counts, len(last_bins) + 1).astype(np.int64)
    kept = sizes > 0
    return (kept.cumsum() - 1).clip(0)[stratum_of_bin], sizes[kept]


def _shares(sizes: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """How many pairs to draw from each stratum: equally many, and from small ones all."""
    shares = np.zeros_like(sizes)
    while (rest := number - int(shares.sum())) > 0 and (open_ := np.flatnonzero(shares < sizes)).size:
        open_ = open_[:rest]
        shares[open_] = np.minimum(sizes[open_], shares[open_] + rest // len(open_))
    return shares


def _find(
    blocks: Callable[[], Iterator[tuple[int, Tensor, Tensor]]],
    stratum_of_bin: NDArray[np.int64],
    wanted: list[NDArray[np.int64]],
) -> tuple[list[tuple[int, int, float]], NDArray[np.int64]]:
    """The pairs at the wanted positions (ascending) of each stratum, counted in the order of the blocks; and their strata."""
    rows: list[tuple[int, int, float]] = []
    strata: list[int] = []
    passed = [0] * len(wanted)
    for start, bins, distances in blocks():
        table = torch.as_tensor(stratum_of_bin, device=bins.device)
        stratum_of_pair = torch.where(bins >= 0, table[bins.clamp(min=0)], -1)
        here = torch.bincount(stratum_of_pair[stratum_of_pair >= 0], minlength=len(wanted)).tolist()
        for stratum, number in enumerate(here):
            inside = wanted[stratum] - passed[stratum]
            inside = inside[(inside >= 0) & (inside < number)]
            if len(inside):
                pairs = (stratum_of_pair == stratum).nonzero()[torch.as_tensor(inside, device=bins.device)]
                for row, column in pairs.tolist():
                    rows.append((start + row, column, max(0.0, float(distances[row, column]))))
                    strata.append(stratum)
            passed[stratum] += number
    return rows, np.array(strata)


def _alternating(strata: NDArray[np.int64], shares: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """An order in which all strata are done to the same extent at any time, and otherwise random."""
    done = np.empty(len(strata))
    for stratum, share in enumerate(shares):
        done[strata == stratum] = (rng.permutation(share) + rng.random(share)) / share
    return np.argsort(done)
