"""Better embeddings from their neighbours: query expansion, gallery augmentation, multi-query pooling."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scalereid.inference.embedding import pool_tracklets
from scalereid.retrieval.distances import Embeddings, as_matrix, distance_blocks
from scalereid.retrieval.ranking import nearest


def expand_queries(query: Embeddings, gallery: Embeddings, *, top: int = 5, alpha: float = 0.0) -> Tensor:
    """Each query (q, d) with its `top` nearest gallery images (g, d) added, of length 1; for the cosine distance.

    With alpha 0 all count the same (average query expansion, Chum et al., ICCV 2007); else an image counts by its cosine to the
    query to the power of `alpha` (Radenović et al., TPAMI 2019, who take 3), the query itself by 1. Helps where the nearest
    images are mostly right, and harms elsewhere.

    Raises:
        ValueError: `top` or `alpha` make no sense, or embeddings are no finite matrices.
    """
    q, g = as_matrix(query, "query"), as_matrix(gallery, "gallery")
    return _with_neighbours(q, g, top, alpha, others_only=False)


def augment_gallery(gallery: Embeddings, *, top: int = 5, alpha: float = 0.0) -> Tensor:
    """Each gallery image (g, d) with its `top` nearest others added, of length 1 (Arandjelović and Zisserman, CVPR 2012).

    Weights as in `expand_queries`.

    Raises:
        ValueError: as `expand_queries` does.
    """
    g = as_matrix(gallery, "gallery")
    return _with_neighbours(g, g, top, alpha, others_only=True)


def pool_people(
    embeddings: Embeddings, pids: NDArray[np.int64], camids: NDArray[np.int64]
) -> tuple[Tensor, NDArray[np.int64]]:
    """Multi-query: one embedding for each person and camera, the mean of their images' (n, d).

    Returns:
        The means (m, d), and the row (m,) of the first image of each, by which to look up person and camera.
    """
    _, first, group = np.unique(np.stack([pids, camids]), axis=1, return_index=True, return_inverse=True)
    return pool_tracklets(as_matrix(embeddings, "query"), group.ravel()), first


def _with_neighbours(query: Tensor, gallery: Tensor, top: int, alpha: float, *, others_only: bool) -> Tensor:
    """`others_only`: query and gallery are the same images, and none is its own neighbour."""
    if top < 1 or alpha < 0:
        raise ValueError(f"top is {top} and alpha {alpha}; they must be at least 1 and 0")
    if not len(gallery) or query.shape[1] != gallery.shape[1]:
        raise ValueError(
            f"neighbours are looked for among gallery embeddings, not {list(gallery.shape)} for {list(query.shape)}"
        )
    gallery = gallery.to(query.device)
    images, expanded = functional.normalize(gallery), functional.normalize(query)
    for rows, distances in distance_blocks(query, gallery, "cosine"):
        if others_only:
            distances.diagonal(rows.start).fill_(torch.inf)
        columns = nearest(distances, min(top, len(gallery) - others_only))
        weights = (1 - distances.gather(1, columns)).clamp_(min=0) ** alpha
        expanded[rows] += (weights[..., None] * images[columns]).sum(dim=1)
    return functional.normalize(expanded)
