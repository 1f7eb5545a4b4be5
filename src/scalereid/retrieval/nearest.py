"""The nearest gallery images of some queries, those left out that may not be found."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.retrieval.distances import Distances
from scalereid.retrieval.matches import Pairs
from scalereid.retrieval.topk import Nearest

Forbid = Callable[[Tensor, slice], None]
"""Makes infinite, among the distances (b, n) of some queries to a part of the gallery, those of what may not be found."""


def nearest_images(
    distances: Distances, rows: slice, top: int, forbid: Forbid | None, least: float = -torch.inf
) -> tuple[Tensor, Tensor]:
    """The `top` nearest gallery images of queries `rows`, as `Nearest.first` gives them."""
    found = Nearest(rows.stop - rows.start, top, distances.gallery, least)
    for columns in distances.tiles(rows, slice(0, len(distances.gallery))):
        tile = distances.between(rows, columns)
        if forbid:
            forbid(tile, columns)
        found.update(tile, columns.start)
        del tile  # its memory is still in the caches
    return found.first()


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
