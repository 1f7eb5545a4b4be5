"""mAP, mINP and CMC, counted block by block without sorting the gallery."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.data.protocols import Protocol
from scalereid.retrieval.distances import BLOCK, Distance, Embeddings, check_choice, distance_blocks
from scalereid.retrieval.labelled import Numbers, Sides, sides
from scalereid.retrieval.ranks import PlaceCounter
from scalereid.retrieval.reranking import Reranking, reranked_blocks
from scalereid.retrieval.single_shot import SingleShot

Precision = Literal["at-matches", "trapezoid"]


class PerQuery(NamedTuple):
    """How well each query alone finds its person."""

    average_precision: NDArray[np.float64]
    """(queries,), NaN for a query without a match."""
    first_match: NDArray[np.int64]
    """(queries,) the place of the nearest right image in the whole gallery, from 1 on; 0 for a query without a match."""


@dataclass(frozen=True, eq=False)
class Scores:
    """How well queries find their people, as fractions, and how that was measured."""

    mAP: float
    """Mean over queries of the average precision."""
    mINP: float
    """Mean over queries of matches / place of the last match (Ye et al., arXiv:2001.04193)."""
    cmc: NDArray[np.float64]
    """(max_rank,) share of queries with a match among the first 1, 2, … places."""
    queries: int
    """Queries given."""
    queries_without_match: int
    """Those with nothing to find, which count in no score."""
    distance: Distance
    protocol: Protocol
    average_precision: Precision = "at-matches"
    """How the precision was averaged over a query's matches."""
    rerank: Reranking | None = None
    """How distances were re-ranked; None: not at all."""
    splits: int = 1
    """Splits of a dataset whose scores these are the means of."""
    per_query: PerQuery | None = None
    """In the order of the queries, split after split; None for scores read from a file."""

    def rank(self, k: int) -> float:
        """The CMC at rank `k`: `rank(1)` is the field's rank-1."""
        if not 1 <= k <= len(self.cmc):
            raise ValueError(f"there is no rank-{k}: the CMC has ranks 1 to {len(self.cmc)}")
        return float(self.cmc[k - 1])

    def how(self) -> str:
        """How they were made, in words."""
        average = "" if self.average_precision == "at-matches" else f", average precision by {self.average_precision}"
        splits = "" if self.splits == 1 else f", mean of {self.splits} splits"
        r = self.rerank
        reranked = f", re-ranked (k1 {r.k1}, k2 {r.k2}, λ {r.lambda_value}, as {r.compat})" if r else ""
        return f"{self.distance} distance{reranked}, {self.protocol} protocol{average}{splits}"

    def to_json(self) -> dict[str, Any]:
        """The scores as JSON values and how they were made, without those of each query."""
        return {
            "mAP": self.mAP,
            "mINP": self.mINP,
            "cmc": self.cmc.tolist(),
            "queries": self.queries,
            "queries_without_match": self.queries_without_match,
            "distance": self.distance,
            "protocol": self.protocol,
            "average_precision": self.average_precision,
            "rerank": asdict(self.rerank) if self.rerank else None,
            "splits": self.splits,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Scores":
        """The scores that `to_json` gave."""
        rerank = Reranking(**values["rerank"]) if values["rerank"] else None
        return cls(**{**values, "cmc": np.array(values["cmc"]), "rerank": rerank})


def score(
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
    average_precision: Precision = "at-matches",
    rerank: Reranking | None = None,
    max_rank: int = 50,
    seed: int = 0,
    block: int = BLOCK,
) -> Scores:
    """Score embeddings (q, d) against (g, d).

    The gallery is ordered by distance for each query, equal distances in gallery order. Gallery images of pid −1 (junk)
    take no part; pid 0 (distractors) are somebody else. A query without a match is counted in `queries_without_match` and
    in nothing else. At most `block` distances (or those of 16 queries) are held at a time, as float32; on a GPU some 80 bytes
    for each. Float32 memory maps are read piece by piece and never copied.

    Args:
        query: embeddings, one row an image or tracklet.
        gallery: the same.
        query_pids: (q,) the person of each query. So for the gallery, and for cameras.
        gallery_pids: (g,).
        query_camids: (q,).
        gallery_camids: (g,).
        query_images: (q,) numbers by which `all-cameras` recognises a query in the gallery; none: no image is on both sides.
        gallery_images: (g,).
        distance: `cosine`, or `euclidean`.
        protocol: `market1501` (Zheng et al., ICCV 2015) leaves out the query's person in the query's camera;
            `all-cameras` only the query's own image, for data of one camera; `single-gallery-shot` (CUHK03's classic protocol,
            Li et al., CVPR 2014) is market1501 with the CMC counted among one random image of each gallery person,
            the mean of 10 draws.
        average_precision: of a query: the mean precision `at-matches`, or by the `trapezoid` rule of Oxford's buildings
            (Philbin et al., CVPR 2007), as Market-1501's first MATLAB code and layumi's baseline do.
        rerank: order by k-reciprocal distances instead, made row by row (Zhong et al., CVPR 2017).
        max_rank: length of the CMC.
        seed: of the draws.
        block: see above.

    Raises:
        ValueError: no query has a match (the message says which rule removed them); an empty side; lengths or widths that
            differ; NaN or infinity; junk among the queries; an unknown distance, protocol or average precision.
    """
    check_choice("distance", distance, Distance)
    check_choice("protocol", protocol, Protocol)
    check_choice("average precision", average_precision, Precision)
    both = sides(query, gallery, query_pids, gallery_pids, query_camids, gallery_camids, query_images, gallery_images)
    counter = PlaceCounter(both, protocol)
    single_shot = SingleShot(both.gallery_pids, seed=seed) if protocol == "single-gallery-shot" else None
    precision = np.full(len(both.query), np.nan)
    inverse_penalty = np.full(len(both.query), np.nan)
    first_match = np.zeros(len(both.query), dtype=np.int64)
    drawn = []
    if rerank:
        blocks = reranked_blocks(both.query, both.gallery, distance, rerank, block)
    else:
        blocks = distance_blocks(both.query, both.gallery, distance, block)
    for queries, distances in blocks:
        if single_shot:
            ignored = both.matches_and_ignored(queries, protocol)[1]
            drawn.append(single_shot.places(distances, both.query_pids[queries], ignored).cpu().numpy())
        places, found = counter.count(queries, distances)
        rows = np.arange(queries.start, queries.stop)[found > 0]
        places, found = places[found > 0], found[found > 0]
        precision[rows] = _average_precision(places, found, average_precision)
        inverse_penalty[rows] = found / places[np.arange(len(found)), found - 1]
        first_match[rows] = places[:, 0]
    matched = first_match > 0
    if not matched.any():
        raise ValueError(_why_no_match(both, protocol))
    first = np.concatenate(drawn)[matched].ravel() if drawn else first_match[matched]
    hits = np.bincount(np.minimum(first, max_rank + 1), minlength=max_rank + 2)[1 : max_rank + 1]
    return Scores(
        mAP=float(precision[matched].mean()),
        mINP=float(inverse_penalty[matched].mean()),
        cmc=hits.cumsum() / len(first),
        queries=len(matched),
        queries_without_match=int((~matched).sum()),
        distance=distance,
        protocol=protocol,
        average_precision=average_precision,
        rerank=rerank,
        per_query=PerQuery(precision, first_match),
    )


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """The means of the scores of several splits of a dataset; queries are added up.

    Raises:
        ValueError: there are none, or they were not made in the same way.
    """
    if not scores:
        raise ValueError("there are no scores to average")
    first = scores[0]
    ways = {(replace(s, splits=1).how(), len(s.cmc)) for s in scores}
    if len(ways) > 1:
        raise ValueError(f"scores made in different ways have no mean: {'; '.join(sorted(way for way, _ in ways))}")
    of_queries = [s.per_query for s in scores if s.per_query]
    return replace(
        first,
        mAP=float(np.mean([s.mAP for s in scores])),
        mINP=float(np.mean([s.mINP for s in scores])),
        cmc=np.mean([s.cmc for s in scores], axis=0),
        queries=sum(s.queries for s in scores),
        queries_without_match=sum(s.queries_without_match for s in scores),
        splits=sum(s.splits for s in scores),
        per_query=PerQuery(*map(np.concatenate, zip(*of_queries, strict=True)))
        if len(of_queries) == len(scores)
        else None,
    )


def _average_precision(places: NDArray[np.float64], found: NDArray[np.int64], how: Precision) -> NDArray[np.float64]:
    """Of each query (b,), from the places (b, m) of its matches and their number (b,)."""
    number = np.arange(1, places.shape[1] + 1)
    precision = number / places
    if (
        how == "trapezoid"
    ):  # the mean of the precision at the match and just before it, which is 1 before the first place
        before = np.where(places > 1, (number - 1) / np.maximum(places - 1, 1), 1.0)
        precision = (precision + before) / 2
    means: NDArray[np.float64] = np.where(number <= found[:, None], precision, 0.0).sum(axis=1) / found
    return means


def _why_no_match(both: Sides, protocol: Protocol) -> str:
    known = torch.isin(both.query_pids, both.gallery_pids)
    if not known.any():
        return f"no query has a match: none of the {len(known)} queries' people is in the gallery"
    if protocol == "all-cameras":
        return "no query has a match: the gallery has no other image of any query's person than the query itself"
    return (
        f"no query has a match: {int(known.sum())} of {len(known)} queries have their person in the gallery, but only from "
        f"their own camera, and the {protocol} protocol leaves those images out. It needs at least two cameras; for data of "
        "one camera there is the protocol all-cameras"
    )
