"""The gallery in order for each query, nearest first."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from scalereid.arguments import check_choice, check_whole
from scalereid.data.protocols import Protocol
from scalereid.retrieval import Distance
from scalereid.retrieval.distances import BLOCK, MAX_ROWS, Distances, row_blocks
from scalereid.retrieval.labelled import LabelledEmbeddings, paired
from scalereid.retrieval.matches import MatchLists
from scalereid.retrieval.nearest import leave_out, nearest_images
from scalereid.wording import counted


class Ranking(NamedTuple):
    """The first gallery images for each query, as tensors on the query's device."""

    indices: Tensor
    """(queries, top) rows of the gallery, nearest first, equal distances in gallery order; −1 where fewer are left. A smaller
    gallery has as many columns as images."""
    distances: Tensor
    """(queries, top), ascending, `euclidean` ones squared; infinite where the index is −1."""
    correct: Tensor
    """(queries, top) whether the image shows the query's person."""
    matches: Tensor
    """(queries,) number of matches in the whole gallery."""

    def __repr__(self) -> str:
        queries, top = self.indices.shape
        right = int(self.correct[:, 0].sum()) if top else 0
        return (
            f"<Ranking: the {top} nearest of {counted(queries, 'query', 'queries')}, the first correct for {right:,}>"
        )


def rank(
    query: LabelledEmbeddings,
    gallery: LabelledEmbeddings,
    *,
    distance: Distance = "cosine",
    protocol: Protocol = "market1501",
    top: int = 10,
    block: int = BLOCK,
) -> Ranking:
    """The `top` nearest gallery images of each query among those that the protocol does not leave out.

    Raises:
        ValueError: `top` is below 1, or what `score` says of bad input.
    """
    check_choice("protocol", protocol, Protocol)
    check_whole("top", top, 1)
    query, gallery = paired(query, gallery)
    check_whole("block", block, 1)
    lists = MatchLists(query, gallery, protocol)
    ready = gallery.ready
    distances = Distances(query.embeddings, gallery.embeddings, distance, ready.squares if ready else None)
    parts = []
    for rows in row_blocks(len(query), min(MAX_ROWS, block)):
        (match, _), left_out = lists.of(rows)
        forbid = leave_out(lists.junk, left_out)
        indices, found = nearest_images(distances, rows, min(top, len(gallery)), forbid, ready)
        correct = (gallery.pids[indices.clamp(min=0)] == query.pids[rows, None]) & (indices >= 0)
        number = np.bincount(match, minlength=len(indices))
        parts.append((indices, found, correct, torch.from_numpy(number).to(indices.device)))
    return Ranking(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
