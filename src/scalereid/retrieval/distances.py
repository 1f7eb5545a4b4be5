"""Distances between embeddings, in blocks of bounded size."""

import warnings
from collections.abc import Iterator
from threading import Lock
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

# With fewer rows, matrix products take other ways through the columns, and equal gallery rows get unequal distances.
_LEAST_ROWS = 16
_FILTERS = Lock()  # Python's list of warning filters is one for all threads
_LONGEST = 1e37  # of squared lengths, four of which still are float32
_CHUNK = 8_192  # embeddings looked at together where all of them have to be
Distance = Literal["cosine", "euclidean"]
Embeddings = Tensor | NDArray[np.floating]
_MOST_ROWS = 256  # with more, matrix products are no faster
BLOCK = 20_000_000
"""Distances held at a time, unless told: 80 MB."""


def distance_blocks(
    query: Tensor, gallery: Tensor, distance: Distance, block: int = BLOCK
) -> Iterator[tuple[slice, Tensor]]:
    """The rows of the (queries, gallery) matrix of distances, as many at a time as `block` allows, at least `_LEAST_ROWS`.

    `cosine` is 1 − cosine, and 1 to an embedding of zeros; `euclidean` is the *squared* Euclidean distance, which ranks the
    same. A block is overwritten by the next one: take from it what is to stay. `gallery` is never copied.

    Raises:
        ValueError: embeddings too large for their squares to be float32, or no such distance.
    """
    check_choice("distance", distance, Distance)
    squares = _squared_lengths(gallery, "gallery")
    scale = -squares.sqrt().clamp_(min=1e-12).reciprocal_()
    one = gallery.new_ones(1)
    size = max(_LEAST_ROWS, min(len(query), _MOST_ROWS, block // len(gallery)))
    buffer = gallery.new_empty(size, len(gallery))
    for start in range(0, len(query), size):
        part = query[start : start + size]
        rows = slice(start, start + len(part))
        lengths = _squared_lengths(part, "query")[:, None]
        if distance == "cosine":
            part = part / lengths.sqrt().clamp_(min=1e-12)
        padded = functional.pad(part, (0, 0, 0, max(0, _LEAST_ROWS - len(part))))
        distances = torch.mm(padded, gallery.T, out=buffer[: len(padded)])[: len(part)]
        if distance == "cosine":
            torch.addcmul(one, distances, scale, out=distances)  # in one go: 1 − product / length
        else:
            distances.mul_(-2).add_(squares).add_(lengths)
        yield rows, distances


def as_matrix(embeddings: Embeddings, what: str) -> Tensor:
    """`embeddings` as a float32 tensor (n, d); one that is float32 already, also a memory map, is not copied.

    Raises:
        ValueError: they are no matrix, or not finite; the message says which side and which row.
    """
    with _FILTERS, warnings.catch_warnings():  # torch has no read-only tensors, and warns; nobody writes
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        matrix = torch.as_tensor(embeddings).detach().float()
    if matrix.ndim != 2:
        raise ValueError(f"the {what} embeddings are {list(matrix.shape)}; they must be a matrix, one row per image")
    for start in range(0, len(matrix), _CHUNK):
        part = matrix[start : start + _CHUNK]
        if not part.sum(dim=1).isfinite().all():  # sums are quick; they may also overflow
            bad = (~part.isfinite().all(dim=1)).nonzero()
            if len(bad):
                raise ValueError(f"the {what} embedding in row {start + int(bad[0])} holds NaN or infinity")
    return matrix


def check_choice(what: str, value: str, choices: Any) -> None:
    """Refuse a value that is not one of a Literal's.

    Raises:
        ValueError: it names the value and the choices.
    """
    if value not in get_args(choices):
        raise ValueError(f"there is no {what} {value!r}; it can be {', '.join(get_args(choices))}")


def _squared_lengths(embeddings: Tensor, what: str) -> Tensor:
    squares = torch.cat([part.contiguous().square().sum(dim=1) for part in torch.split(embeddings, _CHUNK)])
    fits = squares < _LONGEST
    if not fits.all():
        row = int((~fits).nonzero()[0])
        raise ValueError(f"the {what} embedding in row {row} is too long: its square is beyond float32")
    return squares
