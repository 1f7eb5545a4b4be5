"""Better embeddings from their neighbours: query expansion and gallery augmentation."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from scalereid.arguments import check_number, check_whole
from scalereid.retrieval.distances import distance_blocks
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.retrieval.topk import nearest


def expand_queries(
    query: LabelledEmbeddings, gallery: LabelledEmbeddings, *, top: int = 5, alpha: float = 0.0
) -> LabelledEmbeddings:
    """Each query with its `top` nearest gallery images added, of length 1; for the cosine distance.

    With alpha 0 all count the same (average query expansion, Chum et al., ICCV 2007); else an image counts by its cosine to the
    query to the power of `alpha` (Radenović et al., TPAMI 2019, who take 3), the query itself by 1. Helps where the nearest
    images are mostly right, and harms elsewhere.

    Raises:
        ValueError: `top` is below 1 or `alpha` below 0, the gallery is empty, or widths differ.
    """
    embeddings = _with_neighbours(query.embeddings, gallery.embeddings, top, alpha, others_only=False)
    return replace(query, embeddings=embeddings)


def augment_gallery(gallery: LabelledEmbeddings, *, top: int = 5, alpha: float = 0.0) -> LabelledEmbeddings:
    """Each gallery image with its `top` nearest others added, of length 1 (Arandjelović and Zisserman, CVPR 2012).

    Weights as in `expand_queries`.

    Raises:
        ValueError: As for `expand_queries`.
    """
    embeddings = _with_neighbours(gallery.embeddings, gallery.embeddings, top, alpha, others_only=True)
    return replace(gallery, embeddings=embeddings)


def _with_neighbours(query: Tensor, gallery: Tensor, top: int, alpha: float, *, others_only: bool) -> Tensor:
    """`others_only`: query and gallery are the same images, and none is its own neighbour."""
    check_whole("top", top, 1)
    check_number("alpha", alpha, 0)
    gallery = gallery.to(query.device)
    images, expanded = functional.normalize(gallery), functional.normalize(query)
    for rows, distances in distance_blocks(query, gallery, "cosine"):
        if others_only:
            distances.diagonal(rows.start).fill_(torch.inf)
        columns = nearest(distances, min(top, len(gallery) - others_only))[0].sort(dim=1).values
        weights = (1 - distances.gather(1, columns)).clamp_(min=0) ** alpha
        expanded[rows] += (weights[..., None] * images[columns]).sum(dim=1)
    return functional.normalize(expanded)
