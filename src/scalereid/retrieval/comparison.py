"""Two models on the same queries: is one better, and on which?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scalereid.retrieval.scores import Scores


@dataclass(frozen=True, eq=False)
class Comparison:
    """How the second model's scores differ from the first's."""

    difference: float
    """Of mAP, second minus first."""
    interval: tuple[float, float]
    """In which 95 % of the differences lie when people are drawn anew."""
    people: int
    """Of whom the queries are."""
    better: int
    """Queries with a higher average precision."""
    worse: int
    equal: int
    changes: NDArray[np.float64]
    """(queries,) of average precision, NaN for queries without a match."""

    def __str__(self) -> str:
        low, high = self.interval
        chance = self.people < 2 or low <= 0 <= high
        verdict = "which may be chance" if chance else "which is more than chance"
        return (
            f"mAP {100 * self.difference:+.2f} points, 95 % interval {100 * low:+.2f} to {100 * high:+.2f}, {verdict}; "
            f"{self.better:,} queries are better, {self.worse:,} worse, {self.equal:,} equal"
        )


def compare(one: Scores, other: Scores, people: ArrayLike, *, samples: int = 10_000, seed: int = 0) -> Comparison:
    """Compare two scores of the same queries, query by query.

    The interval is a paired bootstrap's. Not queries are drawn anew but `people` (queries,), each with all their queries: one
    person's queries succeed and fail together, and to draw them singly would make the interval too narrow.

    Raises:
        ValueError: the scores were read from a file, or are not of the same queries, or were not made in the same way.
    """
    if one.per_query is None or other.per_query is None:
        raise ValueError("scores read from a file do not have those of each query; evaluate both models")
    if (one.protocol, one.average_precision) != (other.protocol, other.average_precision):
        raise ValueError(f"scores made in different ways are not compared: {one.how()}; {other.how()}")
    before, after = one.per_query.average_precision, other.per_query.average_precision
    persons = np.asarray(people)
    if not before.shape == after.shape == persons.shape or (np.isnan(before) != np.isnan(after)).any():
        raise ValueError("the two scores are not of the same queries")
    changes = after - before
    counted = ~np.isnan(changes)
    _, person = np.unique(persons[counted], return_inverse=True)
    sums = np.bincount(person, weights=changes[counted])
    queries = np.bincount(person)
    rng = np.random.default_rng(seed)
    means = np.empty(samples)
    for i in range(samples):
        drawn = rng.integers(0, len(sums), len(sums))
        means[i] = sums[drawn].sum() / queries[drawn].sum()
    low, high = np.quantile(means, [0.025, 0.975])
    return Comparison(
        difference=float(changes[counted].mean()),
        interval=(float(low), float(high)),
        people=len(sums),
        better=int((changes > 0).sum()),
        worse=int((changes < 0).sum()),
        equal=int((changes == 0).sum()),
        changes=changes,
    )
