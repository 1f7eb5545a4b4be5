"""The nearest neighbours of every embedding among all, each distance computed once."""

from typing import NamedTuple

import torch
from torch import Tensor

from scalereid.retrieval.product import products
from scalereid.retrieval.topk import Nearest

TILE = 1_024


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
    best = [Nearest(len(part), k, embeddings) for part in parts]
    farthest = [part.new_zeros(len(part)) for part in parts]
    for i, rows in enumerate(parts):
        for j in range(i, len(parts)):
            distances = squared_distances(rows, parts[j], squares[i], squares[j])
            if i == j:
                distances.fill_diagonal_(-1)  # an image is nearest to itself, even before its copies
            ends = [(i, j, distances)] + [(j, i, distances.T)] * (i < j)
            for one, other, own in ends:
                torch.maximum(farthest[one], own.amax(dim=1), out=farthest[one])
                best[one].update(own, other * tile)
    return Neighbours(torch.cat([b.first()[0] for b in best]), torch.cat(farthest))


def squared_distances(one: Tensor, other: Tensor, one_squares: Tensor, other_squares: Tensor) -> Tensor:
    """The squared Euclidean distances (a, b) between rows whose squared lengths are known."""
    return products(one, other).mul_(-2).add_(one_squares[:, None]).add_(other_squares).clamp_(min=0)
