"""Finding people of whom most passers-by are none: who is known must be found, and who is not must be turned away."""

from dataclasses import dataclass

import numpy as np

from scalereid.data.protocols import Protocol
from scalereid.data.readers.random_splits import draw_people
from scalereid.retrieval.distances import Distance, Embeddings, as_matrix
from scalereid.retrieval.labelled import Numbers, as_numbers
from scalereid.retrieval.ranking import rank

RATES = (0.1, 0.01)


@dataclass(frozen=True)
class OpenSetPoint:
    """A threshold on the nearest image's distance, and what it gives."""

    false_alarm_rate: float
    """Share of unknown people's queries that are taken for somebody, at most."""
    threshold: float
    """Below which the nearest image is taken for the query's person."""
    identification_rate: float
    """DIR: share of known people's queries whose nearest image is right and below the threshold."""
    accuracy: float
    """Rank-1 with reject: share of all queries that are rightly named or rightly turned away."""


@dataclass(frozen=True)
class OpenSet:
    """Open-set identification: some people are known, the others not."""

    known: int
    """Queries of people who are in the gallery, with a match there."""
    unknown: int
    """Queries of people who are not."""
    points: tuple[OpenSetPoint, ...]
    """For false-alarm rates from 10⁻¹ down as far as there are unknown queries enough."""


def score_open_set(
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
) -> OpenSet:
    """Take half of the queries' people out of the gallery, and see whether they are turned away and the others found.

    Which half is drawn at random, always the same. DIR at a false-alarm rate as in the IJB-A and NIST's open-set tests
    (Grother and Ngan, NISTIR 8009).

    Raises:
        ValueError: fewer than two people are on both sides, or what `score` says of bad input.
    """
    q_pids, g_pids, g_camids = (as_numbers(values) for values in (query_pids, gallery_pids, gallery_camids))
    both = sorted({int(pid) for pid in np.intersect1d(q_pids, g_pids)})
    if len(both) < 2:
        raise ValueError(f"{len(both)} people are among queries and gallery; an open set takes two or more")
    known = draw_people(both, len(both) // 2, dataset="open set", split=1, of=1)
    stays = ~np.isin(g_pids, [pid for pid in both if pid not in known])
    ranking = rank(
        query,
        as_matrix(gallery, "gallery")[stays.nonzero()[0]],
        query_pids=q_pids,
        gallery_pids=g_pids[stays],
        query_camids=query_camids,
        gallery_camids=g_camids[stays],
        query_images=query_images,
        gallery_images=None if gallery_images is None else as_numbers(gallery_images)[stays],
        distance=distance,
        protocol=protocol,
        top=1,
    )
    nearest, right = ranking.distances[:, 0].cpu().numpy(), ranking.correct[:, 0].cpu().numpy()
    is_known = np.isin(q_pids, list(known)) & (ranking.matches.cpu().numpy() > 0)
    is_unknown = ~np.isin(q_pids, list(known))
    strangers = np.sort(nearest[is_unknown])
    points = []
    for rate in [rate for rate in RATES if rate * len(strangers) >= 1]:  # as far down as there are strangers to tell
        allowed = int(rate * len(strangers))
        threshold = float(strangers[allowed]) if allowed < len(strangers) else float("inf")
        accepted = nearest < threshold
        named, turned_away = int((right & accepted)[is_known].sum()), int((~accepted)[is_unknown].sum())
        accuracy = (named + turned_away) / (is_known.sum() + is_unknown.sum())
        points.append(OpenSetPoint(rate, threshold, named / max(1, int(is_known.sum())), float(accuracy)))
    return OpenSet(int(is_known.sum()), int(is_unknown.sum()), tuple(points))
