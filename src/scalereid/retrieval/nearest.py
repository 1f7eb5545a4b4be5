"""The nearest gallery images of some queries, those left out that may not be found."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.retrieval.codes import Codes
from scalereid.retrieval.distances import Distances
from scalereid.retrieval.matches import Pairs
from scalereid.retrieval.prepared import PreparedGallery, RoughQueries
from scalereid.retrieval.topk import Nearest

_CHUNK = 16_384  # images that a query is compared with in float32 at a time
# What takes as long as a float32 distance among those of many queries (docs/benchmarks.md):
_RESULT = 6_000  # of them: each result that is wanted, as the images near it are candidates
_FEW = 10  # results that take as long as one
_CANDIDATE = 128  # of them: each candidate
_READING = 16  # of them: an image, whose embedding is read for few queries; among these it is divided
Forbid = Callable[[Tensor, slice], None]
"""Makes infinite, among the distances (b, n) of some queries to a part of the gallery, those of what may not be found."""


def nearest_images(
    distances: Distances,
    rows: slice,
    top: int,
    forbid: Forbid | None,
    ready: PreparedGallery | None,
    least: float = -torch.inf,
) -> tuple[Tensor, Tensor]:
    """The `top` nearest gallery images of queries `rows`, as `Nearest.first` gives them.

    With a gallery made `ready`, rough distances tell which few to compute the distances to, unless to compute all is faster.
    """
    queries = rows.stop - rows.start
    effort = len(distances.gallery) * (1 + _READING / queries)  # of all distances of a query
    codes = ready.codes if ready and distances.distance == "cosine" and effort >= _RESULT * max(top, _FEW) else None
    found = Nearest(queries, top, distances.gallery, least)
    if codes:
        rough = _Rough(codes, distances.query[rows], top)
        _go_through(distances, rows, rough.queries.distances, forbid, rough.update)
        if rough.reduce() * _CANDIDATE <= queries * effort:
            for query, images in rough.candidates():
                own = distances.between(slice(rows.start + query, rows.start + query + 1), images)[0]
                found.add(torch.full_like(images, query), images, own)
            return found.first()
    _go_through(distances, rows, partial(distances.between, rows), forbid, found.update)
    return found.first()


def _go_through(
    distances: Distances,
    rows: slice,
    compute: Callable[[slice], Tensor],
    forbid: Forbid | None,
    update: Callable[[Tensor, int], object],
) -> None:
    """Give `update` the distances of queries `rows` to all gallery images, some at a time, as `compute` makes them."""
    for columns in distances.tiles(rows, slice(0, len(distances.gallery))):
        tile = compute(columns)
        if forbid:
            forbid(tile, columns)
        update(tile, columns.start)
        del tile  # its memory is still in the caches


class _Rough:
    """The gallery images that can be among the nearest of some queries, by rough distances."""

    def __init__(self, gallery: Codes, query: Tensor, top: int) -> None:
        self.queries = RoughQueries(query, gallery)
        self.nearest = Nearest(len(query), top, query)
        self.kept: list[tuple[Tensor, Tensor, Tensor]] = []

    def update(self, distances: Tensor, first: int) -> None:
        """Take in the rough distances to gallery images `first`, `first` + 1, …"""
        self.kept.append(self.nearest.update(distances, first, self.queries.margin))

    def reduce(self) -> int:
        """Keep the images that can be among the nearest of all; their number."""
        border = self.nearest.first()[1][:, -1:] + self.queries.margin
        rows, images, distances = (torch.cat(parts) for parts in zip(*self.kept, strict=True))
        near = distances <= border[rows, 0]
        self.kept = [(rows[near], images[near], distances[near])]
        return int(near.sum())

    def candidates(self) -> Iterator[tuple[int, Tensor]]:
        """Queries, and images that can be among the nearest of each, some at a time."""
        ((rows, images, _),) = self.kept
        rows, order = rows.sort(stable=True)
        number = torch.bincount(rows, minlength=len(self.queries.codes)).tolist()
        for query, own in enumerate(torch.split(images[order], number)):
            yield from ((query, part) for part in torch.split(own, _CHUNK) if len(part))


def leave_out(images: NDArray[np.int64], pairs: Pairs) -> Forbid:
    """Forbids these gallery images, in ascending order, to all queries, and to some queries images of their own."""
    query, image = pairs

    def forbid(distances: Tensor, columns: slice) -> None:
        first, last = images.searchsorted((columns.start, columns.stop))
        distances[:, torch.from_numpy(images[first:last] - columns.start)] = torch.inf
        inside = (image >= columns.start) & (image < columns.stop)
        own = torch.from_numpy(query[inside]), torch.from_numpy(image[inside] - columns.start)
        distances[own] = torch.inf

    return forbid
