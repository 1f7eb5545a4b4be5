"""mAP, mINP and CMC, counted block by block without sorting the gallery."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.data.records import Protocol
from scalereid.retrieval.distances import BLOCK, Distance, Embeddings, distance_blocks
from scalereid.retrieval.ranking import Numbers, Sides, sides
from scalereid.retrieval.single_shot import SingleShot

Precision = Literal["at-matches", "trapezoid"]


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
    splits: int = 1
    """Splits of a dataset whose scores these are the means of."""

    def rank(self, k: int) -> float:
        """The CMC at rank `k`: `rank(1)` is the field's rank-1."""
        if not 1 <= k <= len(self.cmc):
            raise ValueError(f"there is no rank-{k}: the CMC has ranks 1 to {len(self.cmc)}")
        return float(self.cmc[k - 1])

    def how(self) -> str:
        """How they were made, in words."""
        average = "" if self.average_precision == "at-matches" else f", average precision by {self.average_precision}"
        splits = "" if self.splits == 1 else f", mean of {self.splits} splits"
        return f"{self.distance} distance, {self.protocol} protocol{average}{splits}"

    def to_json(self) -> dict[str, Any]:
        """The scores as JSON values, and what they are scores of."""
        return {
            "mAP": self.mAP,
            "mINP": self.mINP,
            "cmc": self.cmc.tolist(),
            "queries": self.queries,
            "queries_without_match": self.queries_without_match,
            "distance": self.distance,
            "protocol": self.protocol,
            "average_precision": self.average_precision,
            "splits": self.splits,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Scores":
        """The scores that `to_json` gave."""
        return cls(**{**values, "cmc": np.array(values["cmc"])})


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
    max_rank: int = 50,
    seed: int = 0,
    block: int = BLOCK,
) -> Scores:
    """Score embeddings (q, d) against (g, d).

    The gallery is ordered by distance for each query, equal distances in gallery order. Gallery images of pid −1 (junk)
    take no part; pid 0 (distractors) are somebody else. A query without a match is counted in `queries_without_match` and
    in nothing else. At most `block` distances (or those of 16 queries) are held at a time, with some 80 bytes for each in all.

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
        max_rank: length of the CMC.
        seed: of the draws.
        block: see above.

    Raises:
        ValueError: no query has a match (the message says which rule removed them); an empty side; lengths or widths that
            differ; NaN or infinity; junk among the queries; an unknown distance, protocol or average precision.
    """
    _check_choice("distance", distance, Distance)
    _check_choice("protocol", protocol, Protocol)
    _check_choice("average precision", average_precision, Precision)
    both = sides(query, gallery, query_pids, gallery_pids, query_camids, gallery_camids, query_images, gallery_images)
    single_shot = SingleShot(both.gallery_pids, seed=seed) if protocol == "single-gallery-shot" else None
    precision, inverse_penalty, first = [], [], []
    for queries, distances in distance_blocks(both.query, both.gallery, distance, block):
        matches, ignored = both.matches_and_ignored(queries, protocol)
        drawn = single_shot.places(distances, both.query_pids[queries], ignored) if single_shot else None
        places, found = match_places(distances, matches, ignored)
        has_match = found > 0
        found, places = found[has_match], places[has_match]
        precision.append(_average_precision(places, found, average_precision))
        inverse_penalty.append(found / places.gather(1, found[:, None] - 1).squeeze(1))
        first.append(places[:, 0].long() if drawn is None else drawn[has_match].flatten())
    precisions, first_match = torch.cat(precision), torch.cat(first)
    if not len(precisions):
        raise ValueError(_why_no_match(both, protocol))
    hits = torch.bincount((first_match - 1).clamp(max=max_rank), minlength=max_rank + 1)[:max_rank]
    return Scores(
        mAP=precisions.mean().item(),
        mINP=torch.cat(inverse_penalty).mean().item(),
        cmc=(hits.cumsum(0).double() / len(first_match)).cpu().numpy(),
        queries=len(both.query),
        queries_without_match=len(both.query) - len(precisions),
        distance=distance,
        protocol=protocol,
        average_precision=average_precision,
    )


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """The means of the scores of several splits of a dataset; queries are added up.

    Raises:
        ValueError: there are none, or they were not made in the same way.
    """
    if not scores:
        raise ValueError("there are no scores to average")
    first = scores[0]
    ways = {(s.distance, s.protocol, s.average_precision, len(s.cmc)) for s in scores}
    if len(ways) > 1:
        raise ValueError(f"scores made in different ways have no mean: {', '.join(map(str, sorted(ways)))}")
    return replace(
        first,
        mAP=float(np.mean([s.mAP for s in scores])),
        mINP=float(np.mean([s.mINP for s in scores])),
        cmc=np.mean([s.cmc for s in scores], axis=0),
        queries=sum(s.queries for s in scores),
        queries_without_match=sum(s.queries_without_match for s in scores),
        splits=sum(s.splits for s in scores),
    )


def _average_precision(places: Tensor, found: Tensor, how: Precision) -> Tensor:
    """Of each query (b,), from the places (b, m) of its matches and their number (b,)."""
    number = torch.arange(1, places.shape[1] + 1, device=places.device)
    precision = number / places
    if (
        how == "trapezoid"
    ):  # the mean of the precision at the match and just before it, which is 1 before the first place
        before = torch.where(places > 1, (number - 1) / (places - 1).clamp(min=1), 1.0)
        precision = (precision + before) / 2
    return precision.where(number <= found[:, None], 0.0).sum(dim=1) / found


def match_places(distances: Tensor, matches: Tensor, ignored: Tensor) -> tuple[Tensor, Tensor]:
    """At which places the matches of each query come, without sorting the gallery.

    Args:
        distances: (b, g), overwritten.
        matches: (b, g), which gallery images are right.
        ignored: (b, g), which do not take part.

    Returns:
        Places (b, m) from 1 on, float64, ascending in each row, m the most matches of any row and 1 in what is left of
        shorter rows; and the number of matches of each row (b,).
    """
    found = matches.sum(dim=1)
    most = max(1, int(found.max()))
    rows, columns = matches.nonzero(as_tuple=True)
    slot = torch.arange(len(rows), device=rows.device) - (found.cumsum(0) - found)[rows]
    of_matches = distances.new_full((len(distances), most), torch.inf)
    of_matches[rows, slot] = distances[rows, columns]
    column_of = torch.full(of_matches.shape, -1, device=rows.device)
    column_of[rows, slot] = columns
    of_matches, order = of_matches.sort(dim=1, stable=True)

    # A wrong image comes before the i-th match when it is nearer. `bins` says before how many matches it does not.
    distances.masked_fill_(matches | ignored, torch.inf)
    bins = torch.searchsorted(of_matches, distances, right=True)
    tied = (torch.searchsorted(of_matches, distances) != bins) & distances.isfinite()
    nearer = torch.zeros(len(distances), most + 1, dtype=torch.long, device=rows.device)
    nearer.scatter_add_(1, bins, torch.ones((), dtype=torch.long, device=rows.device).expand_as(bins))
    before = nearer.cumsum(dim=1)[:, :most]
    # Equal distances keep gallery order: rare, so row by row.
    column_of = column_of.gather(1, order)
    for row in tied.any(dim=1).nonzero().flatten().tolist():
        equal = tied[row].nonzero().flatten()
        same = distances[row, equal, None] == of_matches[row, : found[row]]
        before[row, : found[row]] += (same & (equal[:, None] < column_of[row, : found[row]])).sum(dim=0)
    number = torch.arange(1, most + 1, device=rows.device)
    places = torch.where(number <= found[:, None], before + number, 1)
    return places.double(), found


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


def _check_choice(what: str, value: str, choices: Any) -> None:
    if value not in choices.__args__:
        raise ValueError(f"there is no {what} {value!r}; it can be {', '.join(choices.__args__)}")
