"""The smallest distances of each row, ties in gallery order."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_NONE = 2**32 - 1  # in place of an image
_LARGEST = 2**63 - 1  # key
_GROUPS = 4  # for each of the nearest: their smallest distances tell almost as well which are near


class Nearest:
    """The `top` nearest gallery images so far of some queries.

    Distances come in parts. What is nearer than the farthest of a query's nearest waits until there is enough of it to be
    worth sorting. Those below `least` count as that.

    Each is one number, the bits of the distance above those of the image, so that sorting orders both.
    """

    def __init__(self, queries: int, top: int, like: Tensor, least: float = -torch.inf) -> None:
        self.least = least
        self.keys = _keys(like.new_full((queries, top), torch.inf), torch.full((), _NONE, device=like.device))
        self.border = like.new_full((queries, 1), torch.inf)
        self.waiting: list[tuple[Tensor, Tensor]] = []
        self.number = 0  # of what is waiting

    def update(self, distances: Tensor, first: int, margin: Tensor | float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
        """Take in the distances (queries, b) to gallery images `first`, `first` + 1, …; infinite ones are never near.

        Returns which were nearer than the farthest of the nearest so far, or at most `margin` (queries, 1) farther: queries in
        ascending order, images and distances.
        """
        border, (top, width) = self.border, (self.keys.shape[1], distances.shape[1])
        if top <= width and not self.waiting and border.isinf().all():
            size = max(1, width // (_GROUPS * top))
            number = width // size
            groups = distances[:, : number * size].view(len(distances), size, number).amin(dim=1)
            border = torch.nextafter(_smallest(groups, top).clamp_(min=self.least), border)
        rows, columns, near = _below(distances, border + margin)
        found = rows, columns + first, near
        self.add(*found)
        return found

    def add(self, rows: Tensor, images: Tensor, distances: Tensor) -> None:
        """Take in the distance of each of these queries, in ascending order, to the image beside it."""
        if len(rows):
            self.waiting.append((rows, _keys(distances.clamp(min=self.least), images)))
            self.number += len(rows)
        if self.number >= self.keys.numel():
            self._sort()

    def first(self) -> tuple[Tensor, Tensor]:
        """The indices (queries, top) and distances, nearest first; −1 and infinity where there are fewer."""
        self._sort()
        distances = _distances(self.keys)
        return (self.keys & _NONE).masked_fill_(distances.isinf(), -1), distances

    def _sort(self) -> None:
        if not self.waiting:
            return
        taken = torch.full_like(self.keys[:, 0], self.keys.shape[1])
        places = []
        for rows, _ in self.waiting:
            number = torch.bincount(rows, minlength=len(taken))
            places.append((taken - number.cumsum(0) + number)[rows] + torch.arange(len(rows), device=rows.device))
            taken += number
        keys = self.keys.new_full((len(taken), max(taken.tolist(), default=0)), _LARGEST)
        keys[:, : self.keys.shape[1]] = self.keys
        for (rows, found), place in zip(self.waiting, places, strict=True):
            keys[rows, place] = found
        self.waiting.clear()
        self.number = 0
        self.keys = _sorted(keys)[:, : self.keys.shape[1]].contiguous()
        self.border = _distances(self.keys[:, -1:])


def _keys(distances: Tensor, images: Tensor) -> Tensor:
    """Numbers that are ordered as the distances are, and of equal ones as the images are."""
    bits = (distances + 0.0).view(torch.int32).long()  # −0 becomes 0
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits) << 32 | images


def _distances(keys: Tensor) -> Tensor:
    bits = keys >> 32
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).int().view(torch.float32)


def _sorted(keys: Tensor) -> Tensor:
    """Each row in ascending order; NumPy takes a fifth of torch's time."""
    return keys.sort(dim=1).values if keys.device.type != "cpu" else torch.from_numpy(np.sort(keys.numpy(), axis=1))


def nearest(distances: Tensor, top: int) -> tuple[Tensor, Tensor]:
    """The columns (b, top) and values of the smallest distances of each row, ascending; column −1 where one is infinite."""
    found = Nearest(len(distances), top, distances)
    found.update(distances, 0)
    return found.first()


def _smallest(distances: Tensor, top: int) -> Tensor:
    """The `top`-th smallest distance (rows, 1) of each row."""
    if distances.device.type != "cpu":
        return distances.topk(top, dim=1, largest=False).values.amax(dim=1, keepdim=True)
    return torch.from_numpy(np.partition(distances.numpy(), top - 1, axis=1)[:, top - 1 : top])


def _below(distances: Tensor, border: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The distances, of a matrix or a transposed one, that are below each row's border (rows, 1), row by row.

    Returns their rows, their columns and themselves.
    """
    if distances.device.type != "cpu":
        rows, columns = (distances < border).nonzero(as_tuple=True)
        return rows, columns, distances[rows, columns]
    turned = not distances.is_contiguous()
    one, other = (distances.T, border.T) if turned else (distances, border)
    found = torch.from_numpy(positions(np.less(one.numpy(), other.numpy())))
    rows = found // one.shape[1]
    columns = found - rows * one.shape[1]
    if turned:
        columns, order = columns.sort(stable=True)
        rows, columns, found = columns, rows[order], found[order]
    return rows, columns, one.take(found)


def positions(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The positions of what is true in an array, flattened, which is rare: eight flags are looked at together."""
    flat = flags.reshape(-1)
    if len(flat) % 8:
        return np.flatnonzero(flat)
    words = flat.view(np.uint64)
    some = np.flatnonzero(words != 0)
    true = np.flatnonzero(words[some].view(np.bool_))
    return some[true >> 3] * 8 + (true & 7)
