"""What the finished runs of a study say: scores by seed and split, and differences between rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scalereid.data.names import named_datasets
from scalereid.experiments.rows import StudyRun
from scalereid.retrieval.bootstrap import Changes, bootstrap_interval, changes_between, same_queries
from scalereid.retrieval.per_query import PerQuery
from scalereid.retrieval.scores import Scores
from scalereid.runs.log import EpochLog
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run


@dataclass(frozen=True)
class Result:
    """The result of a finished run."""

    target: str
    """Name of the dataset that it was scored on."""
    scores: Scores
    per_query: PerQuery


@dataclass(frozen=True)
class Difference:
    """How much better a row is than the baseline, over the seeds that both have."""

    mean: float
    low: float
    """Lower end of the 95 % bootstrap interval over people and seeds."""
    high: float
    seeds: tuple[int, ...]


def last_epoch(run: Run, recipe: Recipe) -> EpochLog | None:
    """The log of a finished run's last epoch; None if the run is not finished."""
    log = run.log()
    return log[-1] if log and log[-1].epoch == recipe.schedule.epochs else None


def result_of(run: StudyRun, out: Path) -> Result | None:
    """The result of a run of the study in `out`; None if it is not finished."""
    there = Run(out / run.name)
    last = last_epoch(there, run.recipe)
    return Result(run.target, last.scores, PerQuery.load(there.per_query)) if last and last.scores else None


def difference(
    row: Mapping[int, Sequence[Result]], baseline: Mapping[int, Sequence[Result]], metric: str
) -> Difference | None:
    """How much better `row` is than `baseline`, each the results on all splits, by seed.

    None if they have no seed in common, or were not scored on the same queries in the same way.
    """
    seeds = tuple(seed for seed in row if seed in baseline)
    pairs = [list(zip(baseline[seed], row[seed], strict=True)) for seed in seeds]
    if not seeds or not all(_comparable(*pair) for splits in pairs for pair in splits):
        return None
    datasets = list(dict.fromkeys(_dataset(before) for before, _ in pairs[0]))
    changes = [
        [_changes(before, after, metric, datasets.index(_dataset(before))) for before, after in splits]
        for splits in pairs
    ]
    mean = np.mean([np.nanmean(change.values) for splits in changes for change in splits])
    return Difference(float(mean), *bootstrap_interval(changes), seeds)


def _comparable(one: Result, other: Result) -> bool:
    in_the_same_way = (one.scores.protocol, one.scores.ap_rule) == (other.scores.protocol, other.scores.ap_rule)
    return in_the_same_way and _dataset(one) == _dataset(other) and same_queries(one.per_query, other.per_query)


def _dataset(result: Result) -> tuple[tuple[str, str], ...]:
    """Which dataset a result is of, whatever its split."""
    return tuple((part.reader, part.folder) for part in named_datasets(result.target))


def _changes(before: Result, after: Result, metric: str, dataset: int) -> Changes:
    """The changes of queries. A pid in two splits of one dataset is the same person; in two datasets it is not."""
    changes = changes_between(before.per_query, after.per_query, metric)
    return changes._replace(people=changes.people + (dataset << 32))
