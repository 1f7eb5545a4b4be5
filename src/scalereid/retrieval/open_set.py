"""Open-set identification: known people must be found, and unknown people must be turned away."""

from dataclasses import dataclass

import numpy as np

from scalereid.data.protocols import Protocol
from scalereid.data.readers.random_splits import draw_people
from scalereid.retrieval import Distance
from scalereid.retrieval.labelled import LabelledEmbeddings
from scalereid.retrieval.ranking import rank
from scalereid.wording import counted

RATES = (0.1, 0.01)


@dataclass(frozen=True)
class OpenSetPoint:
    """A threshold on the nearest image's distance, and the rates it gives."""

    false_alarm_rate: float
    """Share of unknown people's queries that are taken for a known person, at most."""
    threshold: float
    """The nearest image is taken for the query's person below this distance."""
    identification_rate: float
    """DIR: share of known people's queries whose nearest image is right and below the threshold."""
    accuracy: float
    """Rank-1 with reject: share of all queries that are rightly named or rightly turned away."""


@dataclass(frozen=True)
class OpenSet:
    """Open-set identification of a gallery from which some people were taken out."""

    known: int
    """Number of queries of people in the gallery, with a match there."""
    unknown: int
    """Number of queries of people who are not in the gallery."""
    points: tuple[OpenSetPoint, ...]
    """For false-alarm rates from 10⁻¹ down as far as the number of unknown people's queries can tell."""


def score_open_set(
    query: LabelledEmbeddings,
    gallery: LabelledEmbeddings,
    *,
    distance: Distance = "cosine",
    protocol: Protocol = "market1501",
) -> OpenSet:
    """Take half of the queries' people out of the gallery; measure whether they are turned away and the others found.

    The half is drawn at random, always the same. DIR at a false-alarm rate as in the IJB-A and NIST's open-set tests
    (Grother and Ngan, NISTIR 8009).

    Raises:
        ValueError: Fewer than two people are in both query and gallery, or what `score` says of bad input.
    """
    q_pids, g_pids = query.pids.cpu().numpy(), gallery.pids.cpu().numpy()
    both = sorted({int(pid) for pid in np.intersect1d(q_pids, g_pids)})
    if len(both) < 2:
        raise ValueError(
            f"{counted(len(both), 'person', 'people')} in both query and gallery; an open set takes two or more"
        )
    known = draw_people(both, len(both) // 2, dataset="open set", split=1, of=1)
    stays = ~np.isin(g_pids, [pid for pid in both if pid not in known])
    ranking = rank(query, gallery.rows(stays), distance=distance, protocol=protocol, top=1)
    nearest, right = ranking.distances[:, 0].cpu().numpy(), ranking.correct[:, 0].cpu().numpy()
    is_unknown = ~np.isin(q_pids, list(known))
    is_known = ~is_unknown & (ranking.matches.cpu().numpy() > 0)
    queries, unknown = int(is_known.sum()), np.sort(nearest[is_unknown])
    points = []
    for rate in [rate for rate in RATES if rate * len(unknown) >= 1]:
        threshold = float(unknown[int(rate * len(unknown))])
        accepted = nearest < threshold
        named, turned_away = int((right & accepted)[is_known].sum()), int((~accepted)[is_unknown].sum())
        accuracy = (named + turned_away) / (queries + len(unknown))
        points.append(OpenSetPoint(rate, threshold, named / max(1, queries), accuracy))
    return OpenSet(queries, len(unknown), tuple(points))
