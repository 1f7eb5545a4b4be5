"""Bootstrap intervals of a difference between two methods: people and trainings are drawn anew."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.retrieval.per_query import PerQuery

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_INDICES_AT_ONCE = 1_000_000


class Changes(NamedTuple):
    """How each query's score differs between two models scored on the same queries."""

    values: Floats
    """(queries,) second minus first; NaN for a query that is not counted."""
    people: Integers
    """(queries,) the person of each query."""

    def counted(self) -> "Changes":
        """Without the queries that are not counted."""
        counted = ~np.isnan(self.values)
        return Changes(self.values[counted], self.people[counted])


def same_queries(one: PerQuery, other: PerQuery) -> bool:
    """Whether two results are of the same queries, of which the same have a match."""
    return np.array_equal(one.pids, other.pids) and np.array_equal(
        np.isnan(one.average_precision), np.isnan(other.average_precision)
    )


def changes_between(one: PerQuery, other: PerQuery, metric: str = "mAP") -> Changes:
    """How each query's share of `metric` (mAP, rank-1, top-1, …) changes from `one` to `other`, of the same queries."""
    return Changes(_values(other, metric) - _values(one, metric), one.pids)


def _values(results: PerQuery, metric: str) -> Floats:
    """Each query's share of `metric`, which is their mean; NaN for a query without a match."""
    if metric == "mAP":
        return results.average_precision
    found = results.first_match <= int(metric.removeprefix("rank-").removeprefix("top-"))
    return np.where(results.first_match > 0, found, np.nan)


def bootstrap_interval(
    changes: Sequence[Sequence[Changes]], *, samples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """The 95 % interval of the mean change, a percentile interval of the paired bootstrap.

    Args:
        changes: One for each run, grouped by what is drawn: `changes[seed][split]` where seeds are, `changes[split][seed]`
            where random splits of a dataset are. The mean change is the mean over groups, of the mean over their runs, of the
            mean over queries.
        samples: Number of bootstrap samples.
        seed: Seed of the draws.

    A sample is the mean change of drawn people over all groups, plus how much drawn groups differ from all groups over all
    people. Groups are not compared over the drawn people, because how each person's change varies from seed to seed by itself
    would then count three times: once among people and twice among seeds.

    People are drawn with all their queries, because one person's queries succeed and fail together: drawing single queries
    would make the interval too narrow. The same people are drawn for all runs. With one group the interval says nothing
    about other trainings.
    """
    runs = [run.counted() for group in changes for run in group]
    people = np.unique(np.concatenate([run.people for run in runs]))
    indices = [np.searchsorted(people, run.people) for run in runs]
    queries = [np.bincount(person, minlength=len(people)) for person in indices]  # of each run, (people,)
    sums = [
        np.bincount(person, run.values, len(people)).astype(float) for person, run in zip(indices, runs, strict=True)
    ]
    rng = np.random.default_rng(seed)
    of_people = np.concatenate([_means(sums, queries, drawn) for drawn in _draws(len(people), samples, rng)])
    of_groups = np.reshape([run.values.mean() for run in runs], (len(changes), -1)).mean(axis=1)
    means = of_people + _differences_of_drawn_groups(of_groups, samples, rng)
    low, high = np.quantile(means[~np.isnan(means)], [0.025, 0.975])
    return float(low), float(high)


def _draws(number: int, samples: int, rng: np.random.Generator) -> Iterator[Integers]:
    """Which of `number` things are drawn in each sample, with replacement: indices (b, number), block by block."""
    block = max(1, _INDICES_AT_ONCE // number)
    for start in range(0, samples, block):
        yield rng.integers(0, number, (min(block, samples - start), number))


def _means(sums: Sequence[Floats], queries: Sequence[Integers], drawn: Integers) -> Floats:
    """(b,) the mean over runs, of the mean over the queries of drawn people (b, people); NaN where a run has none of them."""
    columns = []
    for run_sums, run_queries in zip(sums, queries, strict=True):
        number = run_queries[drawn].sum(axis=1)
        columns.append(np.where(number, run_sums[drawn].sum(axis=1) / np.maximum(number, 1), np.nan))
    return np.mean(columns, axis=0)


def _differences_of_drawn_groups(means: Floats, samples: int, rng: np.random.Generator) -> Floats:
    """(samples,) the mean over groups drawn with replacement, from the means of each (groups,), minus the mean over all."""
    groups = len(means)
    if groups == 1:
        return np.zeros(samples)
    drawn = np.concatenate([means[each].mean(axis=1) for each in _draws(groups, samples, rng)])
    # Means of n draws from n seeds vary (n − 1) / n as much as means of n new seeds, which matters for three.
    return np.asarray((drawn - means.mean()) * np.sqrt(groups / (groups - 1)))
