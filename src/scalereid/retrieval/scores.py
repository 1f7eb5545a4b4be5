"""mAP, mINP and CMC, counted block by block without sorting the gallery."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalereid.retrieval.distances import BLOCK, Distance, Embeddings, distance_blocks
from scalereid.retrieval.ranking import Numbers, Sides, sides

Protocol = Literal["market1501"]


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

    def rank(self, k: int) -> float:
        """The CMC at rank `k`: `rank(1)` is the field's rank-1."""
        if not 1 <= k <= len(self.cmc):
            raise ValueError(f"there is no rank-{k}: the CMC has ranks 1 to {len(self.cmc)}")
        return float(self.cmc[k - 1])

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
        }


def score(
    query: Embeddings,
    gallery: Embeddings,
    *,
    query_pids: Numbers,
    gallery_pids: Numbers,
    query_camids: Numbers,
    gallery_camids: Numbers,
    distance: Distance = "cosine",
    protocol: Protocol = "market1501",
    max_rank: int = 50,
    block: int = BLOCK,
) -> Scores:
    """Score embeddings (q, d) against (g, d) by Market-1501's protocol (Zheng et al., ICCV 2015).

    For each query the gallery images of the same person *and* camera are left out, the rest is ordered by distance, equal
    distances in gallery order. A query without a match is counted in `queries_without_match` and in nothing else.
    At most `block` distances (or those of 16 queries) are held at a time, with some 80 bytes for each in all.

    Raises:
        ValueError: no query has a match (the message says which rule removed them); an empty side; lengths or widths that
            differ; NaN or infinity; an unknown distance or protocol.
    """
    _check_choice("distance", distance, Distance)
    _check_choice("protocol", protocol, Protocol)
    both = sides(query, gallery, query_pids, gallery_pids, query_camids, gallery_camids)
    precision, inverse_penalty, first = [], [], []
    for queries, distances in distance_blocks(both.query, both.gallery, distance, block):
        matches, ignored = both.matches_and_ignored(queries)
        places, found = match_places(distances, matches, ignored)
        found, places = found[found > 0], places[found > 0]
        number = torch.arange(1, places.shape[1] + 1, device=places.device)
        is_match = number <= found[:, None]
        precision.append((number / places).where(is_match, 0.0).sum(dim=1) / found)
        inverse_penalty.append(found / places.gather(1, found[:, None] - 1).squeeze(1))
        first.append(places[:, 0].long())
    average_precision, first_match = torch.cat(precision), torch.cat(first)
    if not len(first_match):
        raise ValueError(_why_no_match(both))
    hits = torch.bincount((first_match - 1).clamp(max=max_rank), minlength=max_rank + 1)[:max_rank]
    return Scores(
        mAP=average_precision.mean().item(),
        mINP=torch.cat(inverse_penalty).mean().item(),
        cmc=(hits.cumsum(0).double() / len(first_match)).cpu().numpy(),
        queries=len(both.query),
        queries_without_match=len(both.query) - len(first_match),
        distance=distance,
        protocol=protocol,
    )


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


def _why_no_match(both: Sides) -> str:
    known = torch.isin(both.query_pids, both.gallery_pids)
    if not known.any():
        return f"no query has a match: none of the {len(known)} queries' people is in the gallery"
    return (
        f"no query has a match: {int(known.sum())} of {len(known)} queries have their person in the gallery, but only from "
        "their own camera, and Market-1501's rule leaves those images out. It needs at least two cameras"
    )


def _check_choice(what: str, value: str, choices: Any) -> None:
    if value not in choices.__args__:
        raise ValueError(f"there is no {what} {value!r}; it can be {', '.join(choices.__args__)}")
