"""Ranking as one would explain it: sort, leave out, walk down the list. Slow, and independent of the code under test."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scalereid.retrieval.labelled import LabelledEmbeddings, labelled

REPEATS = 10  # draws of the single-gallery-shot protocol


def pair(
    query: ArrayLike,
    gallery: ArrayLike,
    query_pids: Any,
    gallery_pids: Any,
    query_camids: Any,
    gallery_camids: Any,
    query_images: Any = None,
    gallery_images: Any = None,
) -> tuple[LabelledEmbeddings, LabelledEmbeddings]:
    """Query and gallery from arrays, in the order of `inputs.features`."""
    return (
        labelled(np.asarray(query), query_pids, query_camids, images=query_images, name="query"),
        labelled(np.asarray(gallery), gallery_pids, gallery_camids, images=gallery_images, name="gallery"),
    )


def on_a_line(query: Sequence[float], gallery: Sequence[float], *labels: Any) -> tuple[Any, Any]:
    """Numbers on a line, whose distances anyone can check."""
    return pair(np.array(query)[:, None], np.array(gallery)[:, None], *labels)


def distances_between(query: NDArray[Any], gallery: NDArray[Any], distance: str) -> NDArray[np.float64]:
    q, g = query.astype(np.float64), gallery.astype(np.float64)
    if distance == "cosine":
        q, g = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (q, g))
        return 1 - q @ g.T
    return ((q[:, None] - g) ** 2).sum(axis=2)


class Labels(NamedTuple):
    """The labels of one side, as arrays."""

    pids: NDArray[np.int64]
    camids: NDArray[np.int64]
    images: NDArray[np.int64]


def left_out(query: Labels, i: int, gallery: Labels, j: int, protocol: str) -> bool:
    if gallery.pids[j] == -1:
        return True
    if protocol == "all-cameras":
        return bool(query.images[i] == gallery.images[j])
    return bool(query.pids[i] == gallery.pids[j] and query.camids[i] == gallery.camids[j])


def ranked(row: NDArray[Any], query: Labels, i: int, gallery: Labels, protocol: str) -> list[int]:
    """The gallery rows that take part, nearest first, equal distances in gallery order."""
    order = sorted(range(len(row)), key=lambda j: (row[j], j))
    return [j for j in order if not left_out(query, i, gallery, j, protocol)]


def match_ranks(row: NDArray[Any], query: Labels, i: int, gallery: Labels, protocol: str) -> list[int]:
    """The ranks of a query's matches, ascending."""
    kept = ranked(row, query, i, gallery, protocol)
    return [rank for rank, j in enumerate(kept, start=1) if gallery.pids[j] == query.pids[i]]


class SlowScores(NamedTuple):
    mAP: float
    mINP: float
    cmc: list[float]
    queries_without_match: int


def slow_scores(
    distances: NDArray[Any], query: Labels, gallery: Labels, protocol: str, *, trapezoid: bool = False, max_rank: int
) -> SlowScores:
    """One query after another."""
    rng = np.random.default_rng(0)
    everybody = sorted(set(gallery.pids.tolist()))
    precisions, penalties, firsts, without = [], [], [], 0
    for i, row in enumerate(distances):
        draws = rng.random((REPEATS, len(everybody)))
        hits = match_ranks(row, query, i, gallery, protocol)
        if not hits:
            without += 1
            continue
        average = 0.0
        for n, rank in enumerate(hits, start=1):
            before = 1.0 if rank == 1 else (n - 1) / (rank - 1)
            average += ((n / rank + before) / 2 if trapezoid else n / rank) / len(hits)
        precisions.append(average)
        penalties.append(len(hits) / hits[-1])
        if protocol == "single-gallery-shot":
            kept = ranked(row, query, i, gallery, protocol)
            firsts += [_drawn_rank(kept, draw, everybody, query.pids[i], gallery) for draw in draws]
        else:
            firsts.append(hits[0])
    cmc = [sum(first <= k for first in firsts) / max(1, len(firsts)) for k in range(1, max_rank + 1)]
    count = max(1, len(precisions))
    return SlowScores(sum(precisions) / count, sum(penalties) / count, cmc, without)


def _drawn_rank(kept: list[int], draw: NDArray[Any], everybody: list[int], pid: int, gallery: Labels) -> int:
    """The rank of the query's person among one drawn image of each."""
    chosen = set()
    for person, u in zip(everybody, draw, strict=True):
        own = sorted(j for j in kept if gallery.pids[j] == person)
        if own:
            chosen.add(own[int(u * len(own))])
    return 1 + [gallery.pids[j] for j in kept if j in chosen].index(pid)
