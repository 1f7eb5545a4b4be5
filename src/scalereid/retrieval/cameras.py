"""Between which cameras people are found, and between which they are lost."""

from typing import NamedTuple

import torch

from scalereid.retrieval import APRule, Distance
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.retrieval.scores import score


class CameraPair(NamedTuple):
    """How well one camera's queries are found among another camera's images."""

    query: int
    gallery: int
    mAP: float
    rank1: float
    queries: int
    """Number of queries with a match in that camera."""


def score_camera_pairs(
    query: LabelledEmbeddings,
    gallery: LabelledEmbeddings,
    *,
    distance: Distance = "cosine",
    ap_rule: APRule = "at-matches",
) -> list[CameraPair]:
    """Score each camera's queries against each other camera's gallery images alone, worst mAP first.

    Pairs of cameras without a match are left out.

    Raises:
        ValueError: See `score`.
    """
    pairs = []
    for there in torch.unique(gallery.camids).tolist():
        seen = gallery.rows(gallery.camids.eq(there))
        people = seen.pids[seen.pids >= 0]
        for here in torch.unique(query.camids).tolist():
            asked = query.rows(query.camids.eq(here) & torch.isin(query.pids, people))
            if here != there and len(asked):
                scores = score(asked, seen, distance=distance, ap_rule=ap_rule, max_rank=1)
                pairs.append(CameraPair(here, there, scores.mAP, scores.rank(1), scores.queries))
    return sorted(pairs, key=lambda pair: (pair.mAP, pair.query, pair.gallery))
