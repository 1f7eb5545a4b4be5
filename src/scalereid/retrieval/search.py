"""The nearest gallery embeddings of each query, without labels."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.arguments import check_whole
from scalereid.retrieval.distances import MAX_ROWS, Distances, Embeddings, as_matrix, real_numbers, row_blocks
from scalereid.retrieval.nearest import Forbid, nearest_images
from scalereid.retrieval.prepared import PreparedGallery
from scalereid.wording import counted

_MOST = 1_000_000  # results of a query in a smaller gallery, which are all there are


class SearchResult(NamedTuple):
    """What was found for each query, as NumPy arrays, whatever the embeddings were: ready to index lists and tables with."""

    indices: NDArray[np.int64]
    """(q, top) rows of the gallery, most similar first, equal ones in gallery order; −1 where the mask allows fewer."""
    similarities: NDArray[np.float32]
    """(q, top) cosine similarities, descending; −inf where the index is −1."""

    def __repr__(self) -> str:
        queries, top = self.indices.shape
        found = self.similarities[self.indices >= 0]
        between = f", similarities {found.min():.2f} to {found.max():.2f}" if found.size else ""
        return f"<SearchResult: the {top} most similar of {counted(queries, 'query', 'queries')}{between}>"


def search(
    query: Embeddings,
    gallery: Embeddings | PreparedGallery,
    top: int = 5,
    *,
    mask: NDArray[np.bool_] | Tensor | None = None,
) -> SearchResult:
    """Find the `top` most similar gallery embeddings (g, d) of each query embedding (q, d), by cosine similarity.

    Similarities are computed in blocks, so memory stays bounded; float32 arrays, also memory maps, are not copied. On a GPU if
    `query` is a tensor there.

    Args:
        query: Embeddings to find, one row each. They need not have length 1.
        gallery: Embeddings to find them among, or a `PreparedGallery` of them, which is faster from the second search on.
        top: Number of results per query.
        mask: True for what may be found: (g,) booleans for all queries, or (q, g) for each.

    Raises:
        ValueError: The gallery is empty, widths differ, values are not finite, `top` is below 1, or `mask` is not boolean or
            has another shape.
    """
    ready = gallery if isinstance(gallery, PreparedGallery) else None
    q = as_matrix(query, "query")
    g = gallery.embeddings if isinstance(gallery, PreparedGallery) else as_matrix(gallery, "gallery")
    check_whole("top", top, 1, max(_MOST, len(g)))
    g = g.to(q.device)
    ready = ready if ready and ready.embeddings is g else None
    allowed = None if mask is None else _checked(mask, len(q), len(g))
    indices = np.full((len(q), top), -1, dtype=np.int64)
    similarities = np.full((len(q), top), -np.inf, dtype=np.float32)
    found = min(top, len(g))
    distances = Distances(q, g, "cosine", ready.squares if ready else None)
    for rows in row_blocks(len(q), MAX_ROWS):
        forbid = None if allowed is None else _only(allowed, rows)
        columns, nearest = nearest_images(
            distances, rows, found, forbid, ready, least=0
        )  # rounding may bring copies below 0
        indices[rows, :found] = columns.cpu().numpy()
        similarities[rows, :found] = (1 - nearest).cpu().numpy()
    return SearchResult(indices, similarities)


def _only(allowed: Tensor, rows: slice) -> Forbid:
    """Forbids what the mask does not allow."""

    def forbid(distances: Tensor, columns: slice) -> None:
        own = allowed[columns] if allowed.ndim == 1 else allowed[rows, columns]
        distances.add_(torch.where(own.to(distances.device), 0.0, torch.inf))  # faster than masked_fill_

    return forbid


def _checked(mask: NDArray[np.bool_] | Tensor, queries: int, gallery: int) -> Tensor:
    allowed = real_numbers(mask, "mask values")
    if allowed.dtype != torch.bool:
        raise ValueError(f"mask has type {allowed.dtype}; expected booleans, True for what may be found")
    if allowed.shape not in ((gallery,), (queries, gallery)):
        raise ValueError(f"mask has shape {list(allowed.shape)}; expected [{gallery}] or [{queries}, {gallery}]")
    return allowed
