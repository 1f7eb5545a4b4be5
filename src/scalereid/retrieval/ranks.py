"""At which ranks the matches of each query come, without sorting the gallery."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.data.protocols import Protocol
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.retrieval.matches import MatchLists, matches_and_left_out

Ranks = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Ranks (b, m) from 1 on, ascending in each row, m the largest number of matches of any row, 1 in the rest of shorter rows; and
the number of matches of each row (b,)."""


class RankCounter:
    """Counts, for the matches of each query, how many wrong images come before them. Equal distances keep gallery order.

    On a CPU a row of distances is sorted by value, which NumPy does at some 2 ns each, and each match looked up in it; on a GPU
    all distances of a block are compared with those of the matches at once.
    """

    def __init__(self, query: LabelledEmbeddings, gallery: LabelledEmbeddings, protocol: Protocol) -> None:
        self.query, self.gallery, self.protocol = query, gallery, protocol
        self.on_cpu = gallery.pids.device.type == "cpu"
        if self.on_cpu:
            self.lists = MatchLists(query, gallery, protocol)

    def count(self, rows: slice, distances: Tensor) -> Ranks:
        """The ranks for a block of queries, from their distances (b, gallery), which are overwritten."""
        if not self.on_cpu:
            matches, left_out = matches_and_left_out(self.query.rows(rows), self.gallery, self.protocol)
            ranks, found = ranks_at_once(distances, matches, left_out)
            return ranks.cpu().numpy(), found.cpu().numpy()
        block = distances.numpy()
        block[:, self.lists.junk] = np.inf
        queries = range(rows.start, rows.stop)
        if torch.get_num_threads() == 1:
            of_rows = [*map(self._of_row, queries, block)]
        else:
            with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # sorting releases the interpreter
                of_rows = [*pool.map(self._of_row, queries, block)]
        found_in_rows = np.array([len(ranks) for ranks in of_rows], dtype=np.int64)
        padded = np.ones((len(block), max(1, int(found_in_rows.max()))))
        for row, ranks_of_row in zip(padded, of_rows, strict=True):
            row[: len(ranks_of_row)] = ranks_of_row
        return padded, found_in_rows

    def _of_row(self, query: int, row: NDArray[np.float32]) -> NDArray[np.int64]:
        matches, left_out = self.lists.of(query)
        row[left_out] = np.inf
        to_matches = row[matches]
        order = to_matches.argsort(kind="stable")
        to_matches, matches = to_matches[order], matches[order]
        everything = np.sort(_up_to(row, to_matches[-1:]))
        nearer = everything.searchsorted(to_matches)
        tied = everything.searchsorted(to_matches, side="right") - nearer
        ranks = nearer + 1
        for i in (tied > 1).nonzero()[0]:  # equal distances: those before it in the gallery come first
            ranks[i] += np.count_nonzero(row[: matches[i]] == to_matches[i])
        return ranks


def _up_to(row: NDArray[np.float32], farthest: NDArray[np.float32]) -> NDArray[np.float32]:
    """The distances that can come before the farthest match, if few; picking out many takes longer than sorting all."""
    near = row <= farthest if len(farthest) else np.zeros(len(row), dtype=bool)
    return row[near] if np.count_nonzero(near) < len(row) // 8 else row


def ranks_at_once(distances: Tensor, matches: Tensor, left_out: Tensor) -> tuple[Tensor, Tensor]:
    """The ranks for all rows of a block together, as suits a GPU. All are (b, g); `distances` are overwritten."""
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
    distances.masked_fill_(matches | left_out, torch.inf)
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
