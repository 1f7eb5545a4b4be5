"""Two models on the same queries: is one better, and on which queries?"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scalereid.retrieval.bootstrap import bootstrap_interval, changes_between, same_queries
from scalereid.retrieval.scores import Scores
from scalereid.wording import counted


@dataclass(frozen=True, eq=False)
class Comparison:
    """How the second model's scores differ from the first's."""

    difference: float
    """Difference in mAP, second minus first."""
    interval: tuple[float, float]
    """95 % bootstrap interval of the difference, over people."""
    people: int
    """Number of distinct people queried."""
    better: int
    """Number of queries with a higher average precision."""
    worse: int
    equal: int
    changes: NDArray[np.float64] = field(repr=False)
    """(queries,) change in average precision, NaN for queries without a match."""

    def __str__(self) -> str:
        low, high = self.interval
        chance = self.people < 2 or low <= 0 <= high
        verdict = "which may be chance" if chance else "which is more than chance"
        return (
            f"mAP {100 * self.difference:+.2f} points, 95 % interval {100 * low:+.2f} to {100 * high:+.2f}, {verdict}; "
            f"{counted(self.better, 'query', 'queries')} better, {self.worse:,} worse, {self.equal:,} equal"
        )


def compare(one: Scores, other: Scores, *, samples: int = 10_000, seed: int = 0) -> Comparison:
    """Compare two scores of the same queries, query by query.

    Raises:
        ValueError: The scores have no results per query, are not of the same queries, or were not measured in the same way.
    """
    if one.per_query is None or other.per_query is None:
        raise ValueError("scores read from JSON have no results per query; evaluate both models")
    if (one.protocol, one.ap_rule) != (other.protocol, other.ap_rule):
        raise ValueError(f"scores measured in different ways cannot be compared: {one.how()}; {other.how()}")
    if not same_queries(one.per_query, other.per_query):
        raise ValueError("the two scores are not of the same queries")
    change = changes_between(one.per_query, other.per_query)
    changes, counted = change.values, change.counted()
    return Comparison(
        difference=float(counted.values.mean()),
        interval=bootstrap_interval([[change]], samples=samples, seed=seed),
        people=len(np.unique(counted.people)),
        better=int((changes > 0).sum()),
        worse=int((changes < 0).sum()),
        equal=int((changes == 0).sum()),
        changes=changes,
    )
