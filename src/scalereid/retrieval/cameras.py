"""Between which cameras people are found, and between which they are lost."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.retrieval.distances import Distance, Embeddings, as_matrix
from scalereid.retrieval.labelled import Numbers, as_numbers
from scalereid.retrieval.scores import score


class CameraPair(NamedTuple):
    """How well one camera's queries are found among another camera's images."""

    query: int
    gallery: int
    mAP: float
    rank1: float
    queries: int
    """With a match in that camera."""


def score_camera_pairs(
    query: Embeddings,
    gallery: Embeddings,
    *,
    query_pids: Numbers,
    gallery_pids: Numbers,
    query_camids: Numbers,
    gallery_camids: Numbers,
    distance: Distance = "cosine",
) -> list[CameraPair]:
    """Score each camera's queries against each other camera's gallery images alone, worst mAP first.

    Pairs in which nobody could be found are left out.

    Raises:
        ValueError: see `score`.
    """
    q, g = as_matrix(query, "query"), as_matrix(gallery, "gallery")
    q_pids, g_pids, q_camids, g_camids = (
        as_numbers(values) for values in (query_pids, gallery_pids, query_camids, gallery_camids)
    )
    pairs = []
    for one in np.unique(q_camids):
        for other in np.unique(g_camids[g_camids != one]):
            seen = g_camids == other
            asked = (q_camids == one) & np.isin(q_pids, g_pids[seen & (g_pids >= 0)])
            if not asked.any():
                continue
            scores = score(
                q[_rows(asked)],
                g[_rows(seen)],
                query_pids=q_pids[asked],
                gallery_pids=g_pids[seen],
                query_camids=q_camids[asked],
                gallery_camids=g_camids[seen],
                distance=distance,
                max_rank=1,
            )
            pairs.append(CameraPair(int(one), int(other), scores.mAP, scores.rank(1), scores.queries))
    return sorted(pairs, key=lambda pair: pair.mAP)


def _rows(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    return mask.nonzero()[0]
