"""Embeddings to groups of one person each: average linkage, with pairs that must or cannot be in one group."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.packages import require
from scalereid.retrieval.distances import row_blocks
from scalereid.retrieval.product import products

Rows = NDArray[np.int64]
Forbidden = Callable[[Rows, Rows], NDArray[np.bool_]]
"""Says of pairs of rows, given as two arrays (p,), which ones cannot be in one group."""

LARGEST = 10_000
"""Rows that can be connected: their distances take 8 bytes a pair, twice (0.8 GB)."""
_TILE = 4_000_000  # distances computed together
_NEVER = 1e12  # distance of a forbidden pair: the average of any two groups that hold one is above every cut
_LEAST = 1e-9  # distance of two rows that need not be together: those that must be are joined before them


class Clusters(NamedTuple):
    """Groups of rows."""

    labels: NDArray[np.int64]
    """(n,) the group of each row, numbered by their first rows."""
    heights: NDArray[np.float64]
    """(groups,) mean distance of the two parts that were joined last; 0 for a group of one row."""


def cluster(
    embeddings: NDArray[np.float32], cut: float, *, forbidden: Forbidden, together: Rows, tile: int = _TILE
) -> Clusters:
    """Join the two nearest groups of embeddings (n, d) of length 1, as long as their mean cosine distance is at most `cut`.

    The distance of two groups is the mean over all pairs of a row of the one and a row of the other (average linkage, Sokal
    and Michener, 1958; SciPy's). Two groups with a forbidden pair are never joined. It is exact: groups can only meet within a
    connected component of the graph of allowed pairs at most `cut` apart, so distances are kept for one component at a time.

    Args:
        embeddings: One row each.
        cut: The largest mean distance at which groups are joined.
        forbidden: Which pairs of rows cannot be in one group.
        together: (n,) rows with the same number from 0 on must be in one group, also where that is forbidden; −1 for
            others.
        tile: Number of distances computed together.

    Raises:
        ModuleNotFoundError: SciPy is not installed; the message says how to install it.
        ValueError: A component has more than `LARGEST` rows.
    """
    require("scipy", extra="calibration", purpose="grouping")
    parts = connected(embeddings, cut, forbidden, together, tile)
    order = np.argsort(parts, kind="stable")
    labels, tops = np.empty(len(parts), np.int64), list[float]()
    for rows in np.split(order, np.flatnonzero(np.diff(parts[order])) + 1) if len(order) else []:
        if len(rows) > LARGEST:
            raise ValueError(
                f"{len(rows):,} of {len(parts):,} tracks and pictures are connected by similar ones, and at most {LARGEST:,} "
                "can be compared at once; group a span of time at a time, or with a higher threshold"
            )
        own, heights = _linked(embeddings, rows, cut, forbidden, together, tile)
        labels[rows] = own + len(tops)
        tops += heights
    first, numbered = np.unique(labels, return_index=True, return_inverse=True)[1:]
    ranks = np.empty(len(first), np.int64)
    ranks[np.argsort(first)] = np.arange(len(first))
    return Clusters(ranks[numbered], np.array(tops)[np.argsort(first)])


def connected(
    embeddings: NDArray[np.float32], cut: float, forbidden: Forbidden, together: Rows, tile: int = _TILE
) -> Rows:
    """The connected component (n,) of each row; allowed pairs at most `cut` apart connect, and rows that must be together."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    def joined(one: Rows, other: Rows, parts: Rows) -> Rows:
        size = int(parts.max(initial=-1)) + 1
        graph = coo_array((np.ones(len(one), np.int8), (parts[one], parts[other])), shape=(size, size))
        return connected_components(graph.tocsr(), directed=False)[1].astype(np.int64)[parts]

    parts = np.arange(len(embeddings))
    same = np.flatnonzero(together >= 0)
    if len(same):
        first = np.unique(together[same], return_index=True, return_inverse=True)
        parts = joined(same, same[first[1][first[2]]], parts)
    matrix = torch.from_numpy(embeddings)
    for rows in row_blocks(len(matrix), 256):
        for start in range(rows.start, len(matrix), max(1, tile // 256)):
            columns = slice(start, min(start + max(1, tile // 256), len(matrix)))
            near = (1 - products(matrix[rows], matrix[columns])).numpy() <= cut
            near &= parts[rows, None] != parts[columns]  # with itself, too
            one, other = near.nonzero()
            one, other = one + rows.start, other + columns.start
            allowed = (one < other) & ~forbidden(one, other)
            if allowed.any():
                parts = joined(one[allowed], other[allowed], parts)
    return parts


def _linked(
    embeddings: NDArray[np.float32], rows: Rows, cut: float, forbidden: Forbidden, together: Rows, tile: int
) -> tuple[Rows, list[float]]:
    """The groups of the rows of one component, numbered from 0, and the height of each."""
    if len(rows) == 1:
        return np.zeros(1, np.int64), [0.0]
    from scipy.cluster.hierarchy import fcluster, leaders, linkage

    tree = linkage(_distances(embeddings, rows, forbidden, together, tile), "average")
    labels = fcluster(tree, cut, "distance")
    nodes, groups = leaders(tree, labels)
    heights = np.concatenate([np.zeros(len(rows)), tree[:, 2]])[nodes]
    return labels.astype(np.int64) - 1, heights[np.argsort(groups)].tolist()


def _distances(
    embeddings: NDArray[np.float32], rows: Rows, forbidden: Forbidden, together: Rows, tile: int
) -> NDArray[np.float64]:
    """The distances of all pairs of some rows, as SciPy's `pdist` has them: (0, 1), (0, 2), … (1, 2), …"""
    matrix, number = torch.from_numpy(embeddings[rows]), len(rows)
    found = np.empty(number * (number - 1) // 2)
    for block in row_blocks(number, max(1, tile // number)):
        one, other = np.triu_indices(block.stop - block.start, 1, number - block.start)
        distances = (1 - products(matrix[block], matrix[block.start :])).numpy()[one, other].astype(np.float64)
        one, other = rows[one + block.start], rows[other + block.start]
        np.clip(distances, _LEAST, None, out=distances)
        distances[forbidden(one, other)] = _NEVER
        distances[(together[one] >= 0) & (together[one] == together[other])] = 0
        first = block.start * number - block.start * (block.start + 1) // 2
        found[first : first + len(distances)] = distances
    return found
