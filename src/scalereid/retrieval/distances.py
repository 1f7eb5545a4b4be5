"""Distances between embeddings, in blocks of bounded size."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Distance = Literal["cosine", "euclidean"]
Embeddings = Tensor | NDArray[np.floating]
BLOCK = 1_000_000  # distances held at a time: 4 MB, and some thirty bytes each for what is computed from them


def distance_blocks(
    query: Tensor, gallery: Tensor, distance: Distance, block: int = BLOCK
) -> Iterator[tuple[slice, Tensor]]:
    """The rows of the (queries, gallery) matrix of distances, as many at a time as `block` allows, at least one.

    `cosine` is 1 − cosine; `euclidean` is the *squared* Euclidean distance, which ranks the same.
    """
    rows = max(1, block // len(gallery))
    if distance == "cosine":
        query, gallery = functional.normalize(query), functional.normalize(gallery)
        for start in range(0, len(query), rows):
            part = query[start : start + rows]
            yield slice(start, start + len(part)), 1 - part @ gallery.T
        return
    squares = gallery.square().sum(dim=1)
    for start in range(0, len(query), rows):
        part = query[start : start + rows]
        yield slice(start, start + len(part)), part.square().sum(dim=1, keepdim=True) + squares - 2 * (part @ gallery.T)


def as_matrix(embeddings: Embeddings, what: str) -> Tensor:
    """`embeddings` as a float32 tensor (n, d).

    Raises:
        ValueError: they are no matrix, or not finite; the message says which side and which row.
    """
    matrix = torch.as_tensor(embeddings).float()
    if matrix.ndim != 2:
        raise ValueError(f"the {what} embeddings are {list(matrix.shape)}; they must be a matrix, one row per image")
    if not matrix.isfinite().all():
        row = int((~matrix.isfinite().all(dim=1)).nonzero()[0])
        raise ValueError(f"the {what} embedding in row {row} holds NaN or infinity")
    return matrix
