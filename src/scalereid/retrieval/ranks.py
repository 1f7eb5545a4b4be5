"""At which ranks the matches of each query come, without sorting the gallery."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.data.protocols import Protocol
from scalereid.retrieval.distances import BLOCK, Distances
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.retrieval.matches import MatchLists, matches_and_left_out
from scalereid.retrieval.topk import positions

Ranks = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Ranks (b, m) from 1 on, ascending in each row, m the largest number of matches of any row, 1 in the rest of shorter rows; and
the number of matches of each row (b,)."""


class RankCounter:
    """Counts, for the matches of each query, how many wrong images come before them. Equal distances keep gallery order.

    On a CPU the distances up to the farthest match are sorted, query by query, and each match is looked up in them; on a GPU
    all distances of a block are compared with those of the matches at once.
    """

    def __init__(self, query: LabelledEmbeddings, gallery: LabelledEmbeddings, protocol: Protocol) -> None:
        self.query, self.gallery, self.protocol = query, gallery, protocol
        self.on_cpu = gallery.pids.device.type == "cpu"
        if self.on_cpu:
            self.lists = MatchLists(query, gallery, protocol)

    def count(self, rows: slice, distances: Tensor | Distances, block: int = BLOCK) -> Ranks:
        """The ranks for a block of queries from their distances (b, gallery), which are overwritten.

        On a CPU also from `block` distances at a time.
        """
        if isinstance(distances, Distances):

            def to_matches(queries: Tensor, images: Tensor) -> Tensor:
                different, which = torch.unique(images, return_inverse=True)
                return distances.between(rows, different)[queries, which]

            return self._count(rows, to_matches, distances.parts(rows, block))
        if self.on_cpu:
            return self._count(rows, lambda queries, images: distances[queries, images], [(0, distances)])
        matches, left_out = matches_and_left_out(self.query.rows(rows), self.gallery, self.protocol)
        ranks, found = ranks_at_once(distances, matches, left_out)
        return ranks.cpu().numpy(), found.cpu().numpy()

    def _count(
        self, rows: slice, between: Callable[[Tensor, Tensor], Tensor], parts: Iterable[tuple[int, Tensor]]
    ) -> Ranks:
        (query, match), left_out = self.lists.of(rows)
        distance = between(torch.from_numpy(query), torch.from_numpy(match)).numpy()
        order = np.lexsort((match, distance, query))
        match, distance = match[order], distance[order]
        found = np.bincount(query, minlength=rows.stop - rows.start)
        ends = found.cumsum()
        slot = np.arange(len(query)) - (ends - found)[query]
        to_matches = [*np.split(distance, ends[:-1])]
        before = np.zeros(len(query), dtype=np.int64)
        for first, part in parts:
            block = part.numpy()
            last = first + block.shape[1]
            for (of, image), value in ((left_out, np.inf), ((query, match), distance)):
                inside = (image >= first) & (image < last)
                block[of[inside], image[inside] - first] = value[inside] if isinstance(value, np.ndarray) else value
            block[:, self.lists.junk[slice(*self.lists.junk.searchsorted((first, last)))] - first] = np.inf
            nearer, up_to = _nearer_and_tied(block, to_matches)
            before += np.where(match >= last, up_to, nearer)
            for i in ((up_to - nearer > 1) & (match >= first) & (match < last)).nonzero()[0]:
                before[i] += np.count_nonzero(block[query[i], : match[i] - first] == distance[i])
        ranks = np.ones((len(found), max(1, int(found.max()))))
        ranks[query, slot] += before
        return ranks, found


def _nearer_and_tied(
    block: NDArray[np.float32], to_matches: Sequence[NDArray[np.float32]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many distances in each row are below those to its matches (ascending), and how many at most as large."""
    near = block <= np.array([of_row[-1] if len(of_row) else -np.inf for of_row in to_matches], np.float32)[:, None]
    many = np.count_nonzero(near, axis=1) > block.shape[1] // 8  # picking out many takes longer than sorting all
    near[many] = False
    picked = positions(near)
    ends = picked.searchsorted(np.arange(len(block) + 1) * block.shape[1])
    values = block.reshape(-1)[picked]

    def of_row(row: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        ordered = np.sort(block[row] if many[row] else values[ends[row] : ends[row + 1]])
        return ordered.searchsorted(to_matches[row]), ordered.searchsorted(to_matches[row], side="right")

    if torch.get_num_threads() == 1:
        of_rows = [*map(of_row, range(len(block)))]
    else:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # sorting releases the interpreter
            of_rows = [*pool.map(of_row, range(len(block)))]
    nearer, up_to = (np.concatenate(column) for column in zip(*of_rows, strict=True))
    return nearer, up_to


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
