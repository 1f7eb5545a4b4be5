"""mAP, mINP and CMC, counted block by block without sorting the gallery."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from scalereid.arguments import check_choice, check_kind, check_whole
from scalereid.data.protocols import Protocol
from scalereid.data.records import JUNK
from scalereid.retrieval import APRule, Distance
from scalereid.retrieval.distances import BLOCK, MAX_ROWS, Distances, distance_blocks, row_blocks
from scalereid.retrieval.labelled import LabelledEmbeddings, paired
from scalereid.retrieval.matches import matches_and_left_out, why_no_match
from scalereid.retrieval.per_query import PerQuery
from scalereid.retrieval.ranks import RankCounter
from scalereid.retrieval.reranking import Reranking, reranked_blocks
from scalereid.retrieval.single_shot import SingleShot
from scalereid.typed_json import from_json
from scalereid.wording import counted

_FEW = 64  # queries whose distances to the whole gallery are to fit into a block; with fewer, products are slow
RANKS = 50
"""Default length of the CMC."""
_MAX_RANK = 1_000_000  # ranks of a CMC, which nobody reads that far


@dataclass(frozen=True, eq=False)
class Scores:
    """How well queries find their people, as fractions, and how that was measured."""

    mAP: float
    """Mean over queries of the average precision."""
    mINP: float
    """Mean over queries of the number of matches / rank of the last match (Ye et al., arXiv:2001.04193)."""
    cmc: NDArray[np.float64]
    """(max_rank,) share of queries with a match at rank 1, up to rank 2, …"""
    queries: int
    """Number of queries given."""
    queries_without_match: int
    """Number of those without a match in the gallery, which count in no score."""
    distance: Distance
    protocol: Protocol
    ap_rule: APRule = "at-matches"
    """How precision was averaged over a query's matches."""
    rerank: Reranking | None = None
    """How distances were re-ranked; None if they were not."""
    splits: int = 1
    """Number of splits of a dataset whose scores these are the means of."""
    per_query: PerQuery | None = None
    """Results of each query; None for scores read from JSON."""

    def __repr__(self) -> str:
        return (
            f"<Scores: mAP {self.mAP:.2%}, mINP {self.mINP:.2%}, rank-1 {self.rank(1):.2%}; "
            f"{counted(self.queries, 'query', 'queries')}, {self.how()}>"
        )

    def rank(self, k: int) -> float:
        """The CMC at rank `k`: `rank(1)` is the field's rank-1."""
        if not 1 <= k <= len(self.cmc):
            raise ValueError(f"No such rank: {k}. The CMC has ranks 1 to {len(self.cmc)}.")
        return float(self.cmc[k - 1])

    def metric(self, name: str) -> float:
        """A score by its name: `mAP`, `mINP` or `rank-1`, `rank-5` and so on; higher is better."""
        if name in ("mAP", "mINP"):
            return float(getattr(self, name))
        number = name.removeprefix("rank-")
        if number == name or not number.isdecimal():
            raise ValueError(f"No such metric: {name!r}. Choose from mAP, mINP, rank-1 to rank-{len(self.cmc)}.")
        return self.rank(int(number))

    def how(self) -> str:
        """How they were measured, in words."""
        average = "" if self.ap_rule == "at-matches" else f", average precision by {self.ap_rule}"
        splits = "" if self.splits == 1 else f", mean of {self.splits} splits"
        r = self.rerank
        reranked = f", re-ranked (k1 {r.k1}, k2 {r.k2}, λ {r.lambda_value}, as {r.compat})" if r else ""
        return f"{self.distance} distance{reranked}, {self.protocol} protocol{average}{splits}"

    def to_json(self) -> dict[str, Any]:
        """The scores and how they were measured as JSON values, without the results of each query."""
        values = asdict(replace(self, per_query=None)) | {"cmc": self.cmc.tolist()}
        del values["per_query"]
        return values

    @classmethod
    def from_json(cls, values: Any) -> "Scores":
        """The scores that `to_json` gave.

        Raises:
            ValueError: They are something else; the message names the value.
        """
        return from_json(cls, values, "scores")


def score(
    query: LabelledEmbeddings,
    gallery: LabelledEmbeddings,
    *,
    distance: Distance = "cosine",
    protocol: Protocol = "market1501",
    ap_rule: APRule = "at-matches",
    rerank: Reranking | None = None,
    max_rank: int = RANKS,
    seed: int = 0,
    block: int = BLOCK,
) -> Scores:
    """Score a query against a gallery. Settings, rules and memory: see `scalereid.score`, which takes arrays.

    Raises:
        ValueError: No query has a match (the message says which rule removed them); one side is empty; widths differ; a query
            is junk; or a setting is unknown.
    """
    check_choice("distance", distance, Distance)
    check_choice("protocol", protocol, Protocol)
    check_choice("ap_rule", ap_rule, APRule)
    check_kind("rerank", rerank, Reranking, or_none=True)
    check_whole("max_rank", max_rank, 1, _MAX_RANK)
    check_whole("seed", seed, 0)
    check_whole("block", block, 1)
    query, gallery = paired(query, gallery)
    if rerank and 0 < int(gallery.pids.eq(JUNK).sum()) < len(gallery):
        gallery = gallery.rows(gallery.pids.ne(JUNK))  # as neighbours, junk would change all distances
    counter = RankCounter(query, gallery, protocol)
    single_shot = SingleShot(gallery.pids, seed=seed) if protocol == "single-gallery-shot" else None
    average_precision, inverse_penalty = np.full((2, len(query)), np.nan)
    first_match = np.zeros(len(query), dtype=np.int64)
    drawn = []
    embeddings = query.embeddings, gallery.embeddings
    blocks: Iterable[tuple[slice, Tensor | Distances]]
    if rerank:
        blocks = reranked_blocks(*embeddings, distance, rerank, block)
    elif single_shot or not counter.on_cpu or block >= _FEW * len(gallery):
        blocks = distance_blocks(*embeddings, distance, block)
    else:
        in_parts = Distances(*embeddings, distance)
        blocks = ((rows, in_parts) for rows in row_blocks(len(query), min(MAX_ROWS, block)))
    for rows, distances in blocks:
        if single_shot and isinstance(distances, Tensor):
            _, left_out = matches_and_left_out(query.rows(rows), gallery, protocol)
            drawn.append(single_shot.ranks(distances, query.pids[rows], left_out).cpu().numpy())
        ranks, found = counter.count(rows, distances, block)
        matched = np.arange(rows.start, rows.stop)[found > 0]
        ranks, found = ranks[found > 0], found[found > 0]
        average_precision[matched] = _average_precision(ranks, found, ap_rule)
        inverse_penalty[matched] = found / ranks[np.arange(len(found)), found - 1]
        first_match[matched] = ranks[:, 0]
    counted = first_match > 0
    if not counted.any():
        raise ValueError(why_no_match(query, gallery, protocol))
    first = np.concatenate(drawn)[counted].ravel() if drawn else first_match[counted]
    hits = np.bincount(np.minimum(first, max_rank + 1), minlength=max_rank + 2)[1 : max_rank + 1]
    return Scores(
        mAP=float(average_precision[counted].mean()),
        mINP=float(inverse_penalty[counted].mean()),
        cmc=hits.cumsum() / len(first),
        queries=len(counted),
        queries_without_match=int((~counted).sum()),
        distance=distance,
        protocol=protocol,
        ap_rule=ap_rule,
        rerank=rerank,
        per_query=PerQuery(average_precision, first_match, query.pids.cpu().numpy()),
    )


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """The means of the scores of several splits of a dataset; numbers of queries are added up.

    Raises:
        ValueError: There are none, or they were not measured in the same way.
    """
    if not scores:
        raise ValueError("there are no scores to average")
    ways = {(replace(s, splits=1).how(), len(s.cmc)) for s in scores}
    if len(ways) > 1:
        raise ValueError(f"scores measured in different ways have no mean: {'; '.join(sorted(way for way, _ in ways))}")
    of_all = [s.per_query for s in scores if s.per_query]
    return replace(
        scores[0],
        mAP=float(np.mean([s.mAP for s in scores])),
        mINP=float(np.mean([s.mINP for s in scores])),
        cmc=np.mean([s.cmc for s in scores], axis=0),
        queries=sum(s.queries for s in scores),
        queries_without_match=sum(s.queries_without_match for s in scores),
        splits=sum(s.splits for s in scores),
        per_query=PerQuery(*map(np.concatenate, zip(*of_all, strict=True))) if len(of_all) == len(scores) else None,
    )


def _average_precision(ranks: NDArray[np.float64], found: NDArray[np.int64], rule: APRule) -> NDArray[np.float64]:
    """Of each query (b,), from the ranks (b, m) of its matches and their number (b,)."""
    number = np.arange(1, ranks.shape[1] + 1)
    precision = number / ranks
    if rule == "trapezoid":  # the mean of the precision at the match and just before it, which is 1 before rank 1
        before = np.where(ranks > 1, (number - 1) / np.maximum(ranks - 1, 1), 1.0)
        precision = (precision + before) / 2
    return np.asarray(np.where(number <= found[:, None], precision, 0.0).sum(axis=1) / found)
