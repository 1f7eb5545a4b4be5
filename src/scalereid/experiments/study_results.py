"""What the finished runs of a study say: scores by seed and split, and differences between rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Literal

import numpy as np

from scalereid.classification.scores import ClassScores
from scalereid.data.names import without_splits
from scalereid.experiments.rows import StudyRun
from scalereid.retrieval.bootstrap import Changes, bootstrap_interval, changes_between, same_queries
from scalereid.retrieval.per_query import PerQuery
from scalereid.retrieval.scores import Scores
from scalereid.runs.log import EpochLog
from scalereid.runs.recipe import Recipe
from scalereid.runs.run import Run

METRICS = ("mAP", "mINP", "rank-1", "rank-5")
CLASS_METRICS = ("top-1", "top-5")


@dataclass(frozen=True)
class Result:
    """The result of a finished run."""

    target: str
    """Name of the dataset that it was scored on."""
    scores: Scores | ClassScores
    per_query: PerQuery
    """Of each query, or of each test image that is classified."""


BySeed = Mapping[int, Sequence[Result]]
"""Results on every split, by seed."""
Drawn = Literal["seeds", "splits"]
"""What a bootstrap draws beside people: seeds, each with its splits, or splits, each with its seeds."""


@dataclass(frozen=True)
class Spread:
    """A score over the seeds of a row."""

    mean: float
    sd: float | None
    """Sample standard deviation; None for one seed."""


Spreads = Mapping[str, Spread]
"""By metric; empty without a finished seed."""


@dataclass(frozen=True)
class Difference:
    """How much better a row is than the baseline, over the seeds that both have."""

    mean: float
    low: float
    """Lower end of the 95 % bootstrap interval over people and what else is drawn."""
    high: float
    seeds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class TargetScores:
    """The scores of one row on one of its targets, as fractions."""

    scores: Spreads
    """Of the mean over the splits."""
    splits: Mapping[str, Spreads]
    """Of each split; empty in a study without splits."""
    difference: Difference | None
    """From the baseline; None for itself, and where the two have no seeds or no queries in common."""
    split_differences: Mapping[str, Difference | None]
    """The same on each split; empty in a study without splits."""
    how: str
    """Distance and protocol, in words."""


def last_epoch(run: Run, recipe: Recipe) -> EpochLog | None:
    """The log of a finished run's last epoch; None if the run is not finished."""
    log = run.log()
    return log[-1] if log and log[-1].epoch == recipe.schedule.epochs else None


def results_of(run: StudyRun, out: Path) -> tuple[Result, ...]:
    """The results of a run of the study in `out`, one for each target of its recipe; empty if it is not finished.

    Raises:
        FileNotFoundError, ValueError: A file of a finished run is missing or damaged.
    """
    there = Run(out / run.name)
    last = last_epoch(there, run.recipe)
    scores = None if last is None else last.scores or last.class_scores
    if last is None or scores is None:
        return ()
    main, *also = run.recipe.targets
    if missing := [name for name in also if name not in last.also_scores]:
        raise ValueError(f"{there.log_file} is damaged: its last line has no scores on {', '.join(missing)}")
    return (
        Result(main, scores, PerQuery.load(there.per_query)),
        *(Result(name, last.also_scores[name], PerQuery.load(there.per_query_on(name))) for name in also),
    )


def difference(row: BySeed, baseline: BySeed, metric: str, *, drawn: Drawn = "seeds") -> Difference | None:
    """How much better `row` is than `baseline`, each the results on all splits, by seed.

    None if they have no seed in common, or were not scored on the same queries in the same way.
    """
    seeds = tuple(seed for seed in row if seed in baseline)
    pairs = [list(zip(baseline[seed], row[seed], strict=True)) for seed in seeds]
    if not seeds or not all(_comparable(*pair) for splits in pairs for pair in splits):
        return None
    datasets = list(dict.fromkeys(without_splits(before.target) for before, _ in pairs[0]))
    changes = [
        [_changes(before, after, metric, datasets.index(without_splits(before.target))) for before, after in splits]
        for splits in pairs
    ]
    mean = np.mean([np.nanmean(change.values) for splits in changes for change in splits])
    groups = [*zip(*changes, strict=True)] if drawn == "splits" else changes
    return Difference(float(mean), *bootstrap_interval(groups), seeds)


def scored_on_target(
    own: BySeed, baseline: BySeed, splits: Sequence[str], metric: str, *, drawn: Drawn = "seeds"
) -> TargetScores:
    """The scores of a row on one target, from its results and those of the baseline: empty for the baseline itself."""

    def on(results: BySeed, number: int) -> BySeed:
        return {seed: [of[number]] for seed, of in results.items()}

    return TargetScores(
        scores=_spreads(own, metric),
        splits={split: _spreads(on(own, i), metric) for i, split in enumerate(splits)},
        difference=difference(own, baseline, metric, drawn=drawn),
        split_differences={split: difference(on(own, i), on(baseline, i), metric) for i, split in enumerate(splits)},
        how=next((result.scores.how() for of in own.values() for result in of), ""),
    )


def metrics_with(compared: str) -> tuple[str, ...]:
    """The scores of a table: the usual ones, and the one that is compared."""
    return tuple(dict.fromkeys((*(CLASS_METRICS if compared in CLASS_METRICS else METRICS), compared)))


def _spreads(results: BySeed, compared: str) -> dict[str, Spread]:
    """Over seeds, of the means over the splits."""
    spreads = {}
    for metric in metrics_with(compared) if results else ():
        means = [fmean(result.scores.metric(metric) for result in of) for of in results.values()]
        spreads[metric] = Spread(fmean(means), stdev(means) if len(means) > 1 else None)
    return spreads


def _comparable(one: Result, other: Result) -> bool:
    return (
        _way(one.scores) == _way(other.scores)
        and without_splits(one.target) == without_splits(other.target)
        and same_queries(one.per_query, other.per_query)
    )


def _way(scores: Scores | ClassScores) -> object:
    """What must be the same of two scores that are compared."""
    return scores.classes if isinstance(scores, ClassScores) else (scores.protocol, scores.ap_rule)


def _changes(before: Result, after: Result, metric: str, dataset: int) -> Changes:
    """The changes of queries. A pid in two splits of one dataset is the same person; in two datasets it is not."""
    changes = changes_between(before.per_query, after.per_query, metric)
    return changes._replace(people=changes.people + (dataset << 32))
