"""The nearest neighbours of every embedding among all, each distance computed once."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from scalereid.retrieval.product import products
from scalereid.retrieval.topk import nearest

TILE = 2_048


class Neighbours(NamedTuple):
    """For each of n embeddings its nearest, itself among them."""

    indices: Tensor
    """(n, k) nearest first: itself, then equal distances in the embeddings' order (copies in different tiles are equal up to
    rounding only)."""
    farthest: Tensor
    """(n,) the largest squared Euclidean distance to any other."""


def nearest_neighbours(embeddings: Tensor, k: int, tile: int = TILE) -> Neighbours:
    """The `k` nearest of all embeddings (n, d) by squared Euclidean distance, for each of them.

    A distance is computed once for both of its ends: tiles of `tile` × `tile` distances above the diagonal of the
    (n, n) matrix, of which one is held at a time. What is nearer than the k nearest so far replaces them.
    """
    parts = torch.split(embeddings, tile)
    squares = [part.square().sum(dim=1) for part in parts]
    best = [_Best(len(part), k, embeddings) for part in parts]
    for i, rows in enumerate(parts):
        for j in range(i, len(parts)):
            distances = squared_distances(rows, parts[j], squares[i], squares[j])
            if i == j:
                distances.fill_diagonal_(-1)  # an image is nearest to itself, even before its copies
            best[i].update(distances, j * tile)
            if i < j:
                best[j].update(distances.T, i * tile)
    return Neighbours(torch.cat([b.nearest_first() for b in best]), torch.cat([b.farthest for b in best]))


def squared_distances(one: Tensor, other: Tensor, one_squares: Tensor, other_squares: Tensor) -> Tensor:
    """The squared Euclidean distances (a, b) between rows whose squared lengths are known."""
    return products(one, other).mul_(-2).add_(one_squares[:, None]).add_(other_squares).clamp_(min=0)


def _true(mask: Tensor) -> tuple[Tensor, Tensor]:
    """The rows and columns of what is true in a matrix or a transposed one, row by row."""
    if mask.device.type != "cpu":
        rows, columns = mask.nonzero(as_tuple=True)
        return rows, columns
    turned = not mask.is_contiguous()
    flat = (mask.T if turned else mask).numpy()
    positions = torch.from_numpy(np.flatnonzero(flat))  # a tenth of the time that torch takes
    one, other = positions // flat.shape[1], positions % flat.shape[1]
    if not turned:
        return one, other
    rows, order = other.sort(stable=True)
    return rows, one[order]


class _Best:
    """The nearest so far of some embeddings. Others come in ascending order, so equal distances keep it."""

    def __init__(self, rows: int, k: int, like: Tensor) -> None:
        self.k = k
        self.distances = like.new_empty(rows, 0)
        self.indices = torch.empty(rows, 0, dtype=torch.long, device=like.device)
        self.farthest = like.new_zeros(rows)

    def update(self, distances: Tensor, first: int) -> None:
        """Take in the distances (rows, b) to embeddings `first`, `first` + 1, …"""
        torch.maximum(self.farthest, distances.amax(dim=1), out=self.farthest)
        if self.indices.shape[1] < self.k:  # all are better than none
            columns = nearest(distances.contiguous(), min(self.k, distances.shape[1]))
            self._join(distances.gather(1, columns), columns + first)
            return
        border = self.distances.amax(dim=1, keepdim=True)
        rows, columns = _true(distances < border)
        if not len(rows):
            return
        number = torch.bincount(rows, minlength=len(distances))
        slot = torch.arange(len(rows), device=rows.device) - (number.cumsum(0) - number)[rows]
        found = distances.new_full((len(distances), int(number.max())), torch.inf)
        found[rows, slot] = distances[rows, columns]
        indices = torch.zeros(found.shape, dtype=torch.long, device=rows.device)
        indices[rows, slot] = columns + first
        self._join(found, indices)

    def nearest_first(self) -> Tensor:
        """The indices (rows, k), nearest first."""
        return self.indices.gather(1, self.distances.argsort(dim=1, stable=True))

    def _join(self, distances: Tensor, indices: Tensor) -> None:
        distances = torch.cat([self.distances, distances], dim=1)
        indices = torch.cat([self.indices, indices], dim=1)
        columns = nearest(distances, min(self.k, distances.shape[1]))
        self.distances, self.indices = distances.gather(1, columns), indices.gather(1, columns)
