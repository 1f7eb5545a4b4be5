"""Distances between embeddings, in blocks of bounded size."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

# With fewer rows, matrix products take other ways through the columns, and equal gallery rows get unequal distances.
_LEAST_ROWS = 16
Distance = Literal["cosine", "euclidean"]
Embeddings = Tensor | NDArray[np.floating]
BLOCK = 1_000_000  # distances held at a time: 4 MB, and some 80 bytes each for what is computed from them


def distance_blocks(
    query: Tensor, gallery: Tensor, distance: Distance, block: int = BLOCK
) -> Iterator[tuple[slice, Tensor]]:
    """The rows of the (queries, gallery) matrix of distances, as many at a time as `block` allows, at least `_LEAST_ROWS`.

    `cosine` is 1 − cosine; `euclidean` is the *squared* Euclidean distance, which ranks the same.
    """
    if distance == "cosine":
        query, gallery = functional.normalize(query), functional.normalize(gallery)
    squares = gallery.square().sum(dim=1)
    size = max(_LEAST_ROWS, block // len(gallery))
    for start in range(0, len(query), size):
        part = query[start : start + size]
        padded = functional.pad(part, (0, 0, 0, max(0, _LEAST_ROWS - len(part))))
        products = (padded @ gallery.T)[: len(part)]
        rows = slice(start, start + len(part))
        if distance == "cosine":
            yield rows, 1 - products
        else:
            yield rows, part.square().sum(dim=1, keepdim=True) + squares - 2 * products


def as_matrix(embeddings: Embeddings, what: str) -> Tensor:
    """`embeddings` as a float32 tensor (n, d).

    Raises:
        ValueError: they are no matrix, or not finite; the message says which side and which row.
    """
    matrix = torch.as_tensor(embeddings).detach().float()
    if matrix.ndim != 2:
        raise ValueError(f"the {what} embeddings are {list(matrix.shape)}; they must be a matrix, one row per image")
    if not matrix.isfinite().all():
        row = int((~matrix.isfinite().all(dim=1)).nonzero()[0])
        raise ValueError(f"the {what} embedding in row {row} holds NaN or infinity")
    return matrix
