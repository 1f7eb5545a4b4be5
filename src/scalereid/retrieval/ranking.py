"""The gallery in order for each query, nearest first."""

from typing import NamedTuple

import torch
from torch import Tensor

from scalereid.data.protocols import Protocol
from scalereid.retrieval.distances import BLOCK, Distance, Embeddings, check_choice, distance_blocks
from scalereid.retrieval.labelled import Numbers, sides


class Ranking(NamedTuple):
    """The first gallery images for each query. Where fewer are left by the protocol, places have index −1."""

    indices: Tensor
    """(queries, top) rows of the gallery, nearest first, equal distances in gallery order."""
    distances: Tensor
    """(queries, top), ascending; infinite where there is no image."""
    correct: Tensor
    """(queries, top) whether it shows the query's person."""
    matches: Tensor
    """(queries,) how many images of the whole gallery would be right."""


def rank(
    query: Embeddings,
    gallery: Embeddings,
    *,
    query_pids: Numbers,
    gallery_pids: Numbers,
    query_camids: Numbers,
    gallery_camids: Numbers,
    query_images: Numbers | None = None,
    gallery_images: Numbers | None = None,
    distance: Distance = "cosine",
    protocol: Protocol = "market1501",
    top: int = 10,
    block: int = BLOCK,
) -> Ranking:
    """The `top` nearest gallery images of each query, without those that the protocol leaves out (see `score`).

    Raises:
        ValueError: see `score`.
    """
    check_choice("protocol", protocol, Protocol)
    both = sides(query, gallery, query_pids, gallery_pids, query_camids, gallery_camids, query_images, gallery_images)
    top = min(top, len(both.gallery))
    parts = []
    for queries, distances in distance_blocks(both.query, both.gallery, distance, block):
        matches, ignored = both.matches_and_ignored(queries, protocol)
        columns = nearest(distances.masked_fill_(ignored, torch.inf), top)
        found, order = distances.gather(1, columns).sort(dim=1, stable=True)
        indices, absent = columns.gather(1, order), found.isinf()
        right = matches.gather(1, indices) & ~absent
        parts.append((indices.masked_fill(absent, -1), found, right, matches.sum(dim=1)))
    return Ranking(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def nearest(distances: Tensor, top: int) -> Tensor:
    """The columns (b, top) of the `top` smallest distances of each row, in ascending order; of equal ones the first columns."""
    if top >= distances.shape[1]:
        return torch.arange(distances.shape[1], device=distances.device).expand(distances.shape)
    found, columns = distances.topk(top + 1, dim=1, largest=False)  # which of equal ones, nobody knows
    border = found[:, top - 1]
    for row in ((border == found[:, top]) & border.isfinite()).nonzero().flatten().tolist():
        inside = int((found[row] < border[row]).sum())
        equal = (distances[row] == border[row]).nonzero().flatten()
        columns[row, inside:top] = equal[: top - inside]
    return columns[:, :top].sort(dim=1).values
