"""At which places the right images of each query come, without ordering the gallery."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.data.protocols import Protocol
from scalereid.data.records import JUNK
from scalereid.retrieval.labelled import Sides

Places = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Places (b, m) from 1 on, ascending in each row, m the most matches of any row, 1 in what is left of shorter rows; and the
number of matches of each row (b,)."""


class PlaceCounter:
    """Counts, for the right images of each query, how many wrong ones come before them. Equal distances keep gallery order.

    On a CPU a row of distances is sorted by value, which NumPy does at some 2 ns each, and each right image looked up in it;
    on a GPU all distances of a block are compared with those of the right images at once.
    """

    def __init__(self, both: Sides, protocol: Protocol) -> None:
        self.both, self.protocol = both, protocol
        self.on_cpu = both.gallery.device.type == "cpu"
        if self.on_cpu:
            self.persons = _Lookup(both.gallery_pids.numpy(), both.query_pids.numpy())
            self.images = _Lookup(both.gallery_images.numpy(), both.query_images.numpy())
            self.query_camids, self.gallery_camids = both.query_camids.numpy(), both.gallery_camids.numpy()
            self.junk = (both.gallery_pids == JUNK).nonzero().flatten().numpy()

    def count(self, queries: slice, distances: Tensor) -> Places:
        """The places for a block of queries, from their distances (b, gallery), which are overwritten."""
        if not self.on_cpu:
            at_once = places_at_once(distances, *self.both.matches_and_ignored(queries, self.protocol))
            return at_once[0].cpu().numpy(), at_once[1].cpu().numpy()
        rows = distances.numpy()
        if len(self.junk):
            rows[:, self.junk] = np.inf
        numbers = range(queries.start, queries.stop)
        if torch.get_num_threads() == 1:
            of_rows = [*map(self._of_row, numbers, rows)]
        else:
            with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # sorting releases the interpreter
                of_rows = [*pool.map(self._of_row, numbers, rows)]
        found = np.array([len(places) for places in of_rows], dtype=np.int64)
        padded = np.ones((len(rows), max(1, int(found.max()))))
        for row, places in zip(padded, of_rows, strict=True):
            row[: len(places)] = places
        return padded, found

    def _of_row(self, query: int, row: NDArray[np.float32]) -> NDArray[np.int64]:
        own = self.persons.of(query)
        if self.protocol == "all-cameras":
            row[self.images.of(query)] = np.inf
            right = row[own] != np.inf
        else:
            right = self.gallery_camids[own] != self.query_camids[query]
        to_own = row[own]
        to_right, at = to_own[right], own[right]
        order = to_right.argsort(kind="stable")
        to_right, at = to_right[order], at[order]
        everybody, persons = np.sort(_up_to(row, to_right[-1:])), np.sort(to_own)
        nearer, nearer_own = everybody.searchsorted(to_right), persons.searchsorted(to_right)
        wrong = nearer - nearer_own
        tied = everybody.searchsorted(to_right, side="right") - nearer
        tied_own = persons.searchsorted(to_right, side="right") - nearer_own
        for i in (tied > tied_own).nonzero()[0]:  # wrong images at the very same distance
            before = np.count_nonzero(row[: at[i]] == to_right[i])
            wrong[i] += before - np.count_nonzero((to_own == to_right[i]) & (own < at[i]))
        return wrong + np.arange(1, len(wrong) + 1)


def _up_to(row: NDArray[np.float32], farthest: NDArray[np.float32]) -> NDArray[np.float32]:
    """The distances that can come before the farthest right image, if few; picking out many takes longer than sorting all."""
    near = row <= farthest if len(farthest) else np.zeros(len(row), dtype=bool)
    return row[near] if np.count_nonzero(near) < len(row) // 8 else row


class _Lookup:
    """Where in the gallery a query's number stands."""

    def __init__(self, gallery: NDArray[np.int64], queries: NDArray[np.int64]) -> None:
        self.order = gallery.argsort(kind="stable")  # one number after another, each in gallery order
        ordered = gallery[self.order]
        self.first, self.last = ordered.searchsorted(queries), ordered.searchsorted(queries, side="right")

    def of(self, query: int) -> NDArray[np.int64]:
        """The gallery images with the number of this query, in gallery order."""
        places: NDArray[np.int64] = self.order[self.first[query] : self.last[query]]
        return places


def places_at_once(distances: Tensor, matches: Tensor, ignored: Tensor) -> tuple[Tensor, Tensor]:
    """The places for all rows of a block together, as a GPU likes it.

    Args:
        distances: (b, g), overwritten.
        matches: (b, g), which gallery images are right.
        ignored: (b, g), which do not take part.
    """
    found = matches.sum(dim=1)
    most = max(1, int(found.max()))
    rows, columns = matches.nonzero(as_tuple=True)
    slot = torch.arange(len(rows), device=rows.device) - (found.cumsum(0) - found)[rows]
    of_matches = distances.new_full((len(distances), most), torch.inf)
    of_matches[rows, slot] = distances[rows, columns]
    column_of = torch.full(of_matches.shape, -1, device=rows.device)
    column_of[rows, slot] = columns
    of_matches, order = of_matches.sort(dim=1, stable=True)

    # A wrong image comes before the i-th match when it is nearer. `bins` says before how many matches it does not.
    distances.masked_fill_(matches | ignored, torch.inf)
    bins = torch.searchsorted(of_matches, distances, right=True)
    tied = (torch.searchsorted(of_matches, distances) != bins) & distances.isfinite()
    nearer = torch.zeros(len(distances), most + 1, dtype=torch.long, device=rows.device)
    nearer.scatter_add_(1, bins, torch.ones((), dtype=torch.long, device=rows.device).expand_as(bins))
    before = nearer.cumsum(dim=1)[:, :most]
    # Equal distances keep gallery order: rare, so row by row.
    column_of = column_of.gather(1, order)
    for row in tied.any(dim=1).nonzero().flatten().tolist():
        equal = tied[row].nonzero().flatten()
        same = distances[row, equal, None] == of_matches[row, : found[row]]
        before[row, : found[row]] += (same & (equal[:, None] < column_of[row, : found[row]])).sum(dim=0)
    number = torch.arange(1, most + 1, device=rows.device)
    return torch.where(number <= found[:, None], before + number, 1).double(), found
