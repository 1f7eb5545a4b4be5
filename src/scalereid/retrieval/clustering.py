"""Embeddings to groups of one person each: average linkage, with pairs that must or cannot be in one group."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.packages import require
from scalereid.retrieval.distances import row_blocks
from scalereid.retrieval.linkage import Forbidden, Linkage, Rows
from scalereid.retrieval.product import products

_TILE = 4_000_000  # distances computed together
_FEW = 500  # rows of small components that are joined together: a call for each takes longer than their distances


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
    and Michener, 1958). Two groups with a forbidden pair are never joined. It is exact: groups can only meet within a connected
    component of the graph of allowed pairs at most `cut` apart, so rows are compared with those of their component.

    Args:
        embeddings: One row each.
        cut: The largest mean distance at which groups are joined.
        forbidden: Which pairs of rows cannot be in one group.
        together: (n,) rows with the same number from 0 on must be in one group, also where that is forbidden; −1 for
            others.
        tile: Number of distances computed together.

    Raises:
        ModuleNotFoundError: SciPy is not installed; the message says how to install it.
    """
    require("scipy", extra="calibration", purpose="grouping")
    parts = connected(embeddings, cut, forbidden, together, tile)
    labels, tops = np.empty(len(parts), np.int64), list[float]()
    for rows in _chunks(parts):
        for group, height in Linkage(embeddings, _parts(rows, together), cut, forbidden, tile).join():
            labels[group] = len(tops)
            tops.append(max(0.0, height))
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


def _chunks(components: Rows) -> list[Rows]:
    """The rows of one large component, or of several small ones, at a time."""
    order = np.argsort(components, kind="stable")
    starts = [0]
    for start in (np.flatnonzero(np.diff(components[order])) + 1).tolist():
        if start - starts[-1] >= _FEW:
            starts.append(start)
    return np.split(order, starts[1:]) if len(order) else []


def _parts(rows: Rows, together: Rows) -> list[Rows]:
    """Rows that must be together, and each other row by itself."""
    same = rows[together[rows] >= 0]
    same = same[np.argsort(together[same], kind="stable")]
    parts = np.split(same, np.flatnonzero(np.diff(together[same])) + 1) if len(same) else []
    return [*parts, *rows[together[rows] < 0][:, None]]
