"""Distances between embeddings, in blocks of bounded size."""

import warnings
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.arguments import check_choice, check_whole
from scalereid.retrieval import Distance
from scalereid.retrieval.product import products

Embeddings = Tensor | NDArray[np.floating]
BLOCK = 20_000_000
"""Default number of distances held at a time: 80 MB."""

MAX_ROWS = 256
"""Number of queries compared at a time: with more, matrix products are no faster."""
_MIN_ROWS = 16  # with fewer, they are much slower
_TILE = 1_048_576  # distances computed together: 4 MB
_MAX_SQUARE = 1e37  # of an embedding's length: four of them still fit into float32
_MIN_SQUARE = 1e-24  # of one that is not all zeros: the least length that is divided by is 1e-12
_CHUNK = 1_024  # embeddings checked at a time
_FILTERS = Lock()  # Python's list of warning filters is shared by all threads


class Distances:
    """Distances between queries and gallery images, of any rows and columns at a time.

    `cosine` is 1 − cosine, and 1 to an embedding of zeros; `euclidean` is the *squared* Euclidean distance, which ranks the
    same. `gallery` is never copied. `squares` are its squared lengths, where they are known already.

    Raises:
        ValueError: No such distance, an empty gallery, widths that differ, or embeddings too long for float32.
    """

    def __init__(self, query: Tensor, gallery: Tensor, distance: Distance, squares: Tensor | None = None) -> None:
        check_choice("distance", distance, Distance)
        check_widths(query, gallery)
        self.query, self.gallery, self.distance = query, gallery, distance
        self.squares = squared_lengths(gallery, "gallery") if squares is None else squares
        self.query_squares = squared_lengths(query, "query")
        self.buffer = gallery.new_empty(0)

    def between(self, rows: slice, columns: slice | Tensor, out: Tensor | None = None) -> Tensor:
        """The distances between queries `rows` and gallery images `columns`, in `out` if it is given."""
        part, squares = self.query[rows], self.query_squares[rows, None]
        if self.distance == "cosine":
            part = part / squares.sqrt().clamp_(min=1e-12)
        found = products(part, self.gallery[columns])
        out = found if out is None else out
        if self.distance == "cosine":  # in one pass: 1 − product / length
            scale = self.squares[columns].sqrt().clamp_(min=1e-12).reciprocal_().neg_()
            return torch.addcmul(found.new_ones(1), found, scale, out=out)
        return torch.add(found.mul_(-2).add_(self.squares[columns]), squares, out=out)

    def tiles(self, rows: slice, columns: slice) -> Iterator[slice]:
        """Gallery images `columns` in parts whose distances to queries `rows` stay in a CPU's caches; larger ones on a GPU."""
        size = max(16, (_TILE if self.gallery.device.type == "cpu" else BLOCK) // max(1, rows.stop - rows.start))
        for start in range(columns.start, columns.stop, size):
            yield slice(start, min(start + size, columns.stop))

    def parts(self, rows: slice, block: int) -> Iterator[tuple[int, Tensor]]:
        """The distances of queries `rows`, at most `block` at a time: the first image, and the distances to it and to others.

        Each part overwrites the one before.
        """
        queries, gallery = rows.stop - rows.start, len(self.gallery)
        size = max(1, min(gallery, block // queries))
        if len(self.buffer) < queries * size:
            self.buffer = self.gallery.new_empty(queries * size)
        for start in range(0, gallery, size):
            width = min(size, gallery - start)
            part = self.buffer[: queries * width].view(queries, width)
            for columns in self.tiles(rows, slice(start, start + width)):
                self.between(rows, columns, out=part[:, columns.start - start : columns.stop - start])
            yield start, part


def row_blocks(queries: int, size: int) -> Iterator[slice]:
    """Slices of `size` queries each, fewer in the last one."""
    for start in range(0, queries, size):
        yield slice(start, min(start + size, queries))


def distance_blocks(
    query: Tensor, gallery: Tensor, distance: Distance, block: int = BLOCK
) -> Iterator[tuple[slice, Tensor]]:
    """The rows of the (queries, gallery) matrix of `Distances`, as many at a time as `block` allows, at least `_MIN_ROWS`.

    Raises:
        ValueError: As `Distances` raises.
    """
    check_whole("block", block, 1)
    distances = Distances(query, gallery, distance)
    for rows in row_blocks(len(query), max(_MIN_ROWS, min(MAX_ROWS, block // len(gallery)))):
        for _, whole in distances.parts(rows, (rows.stop - rows.start) * len(gallery)):
            yield rows, whole


def as_matrix(embeddings: Embeddings, name: str) -> Tensor:
    """`embeddings` as a float32 tensor (n, d), not copied if they are float32 already, even in a memory map.

    Raises:
        ValueError: They are not a matrix, or not finite, or do not fit into float32; the message begins with `name` and says
            which row.
    """
    values = real_numbers(embeddings, f"{name} embeddings").detach()
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(f"{name} embeddings have shape {list(values.shape)}; expected (n, d), one row per image")
    matrix = values.float()
    for start in range(0, len(matrix), _CHUNK):
        part, given = matrix[start : start + _CHUNK], values[start : start + _CHUNK]
        if not part.sum(dim=1).isfinite().all():  # sums are quick, but may also overflow
            bad = (~part.isfinite().all(dim=1)).nonzero().flatten().tolist()
            for row in bad[:1]:
                why = "has NaN or infinity"
                if given[row].isfinite().all():
                    why = f"has {given[row].abs().max():.1e}, which does not fit into float32"
                raise ValueError(f"the {name} embedding in row {start + row} {why}")
        if values.dtype == torch.float64 and (lost := (given.any(dim=1) & ~part.any(dim=1)).nonzero()).numel():
            raise _too_short(given[int(lost[0])], name, start + int(lost[0]))
    return matrix


def real_numbers(values: Sequence[float] | NDArray[Any] | Tensor, what: str) -> Tensor:
    """A tensor on the memory of an array or tensor of numbers, to be read only.

    Raises:
        ValueError: It is something else; the message begins with `what`.
    """
    try:
        numbers = shared(values)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ValueError(
            f"{what} are a {type(values).__name__}; expected an array or a tensor of numbers ({error})"
        ) from error
    if numbers.layout != torch.strided or numbers.is_meta or numbers.is_complex():
        kind = "without values" if numbers.is_meta else "complex" if numbers.is_complex() else "sparse"
        raise ValueError(f"{what} are {kind}; expected an array or a tensor of real numbers")
    return numbers


def check_widths(query: Tensor, gallery: Tensor) -> None:
    """Raise a ValueError that says why there are no distances: an empty gallery, or widths that differ."""
    if not len(gallery):
        raise ValueError("the gallery has no embeddings; expected at least one")
    if query.shape[1] != gallery.shape[1]:
        raise ValueError(f"query and gallery embeddings differ in width: {query.shape[1]} and {gallery.shape[1]}")


def shared(values: Sequence[float] | NDArray[Any] | Tensor) -> Tensor:
    """A tensor on the memory of an array or tensor, to be read only: a read-only memory map will do."""
    with _FILTERS, warnings.catch_warnings():  # torch has no read-only tensors, and warns
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.as_tensor(
            values if isinstance(values, Tensor) else np.asarray(values)
        )  # lists of floats as float64


def squared_lengths(embeddings: Tensor, name: str) -> Tensor:
    """The squared lengths (n,) of embeddings (n, d).

    Raises:
        ValueError: One is too large or, but for zeros, too small for float32; the message begins with `name` and says which.
    """
    squares = embeddings.new_empty(len(embeddings))
    for rows, part in zip(torch.split(squares, _CHUNK), torch.split(embeddings, _CHUNK), strict=True):
        torch.linalg.vector_norm(part.contiguous(), dim=1, out=rows)  # the quickest, and without a copy
    squares.square_()
    fits = squares < _MAX_SQUARE
    if not fits.all():
        row = int((~fits).nonzero()[0])
        raise ValueError(f"the {name} embedding in row {row} is too long: its squared length does not fit into float32")
    for row in (squares < _MIN_SQUARE).nonzero().flatten().tolist():
        if embeddings[row].any():
            raise _too_short(embeddings[row], name, row)
    return squares


def _too_short(embedding: Tensor, name: str, row: int) -> ValueError:
    return ValueError(
        f"the {name} embedding in row {row} is too short, at most {embedding.abs().max():.1e}, for its length to be computed "
        "in float32; multiply all embeddings by a constant"
    )
