from statistics import NormalDist

import numpy as np
import pytest

from scalereid.retrieval.bootstrap import Changes, bootstrap_interval, changes_between, same_queries
from scalereid.retrieval.per_query import PerQuery


def per_query(precisions: list[float], first_match: list[int], pids: list[int]) -> PerQuery:
    return PerQuery(np.array(precisions), np.array(first_match), np.array(pids))


def slow_interval(changes: list[list[Changes]], samples: int, seed: int) -> tuple[float, float]:
    """Person by person and query by query."""
    rng = np.random.default_rng(seed)
    runs = [run for splits in changes for run in splits]
    people = sorted({p for run in runs for p, v in zip(run.people, run.values, strict=True) if v == v})
    drawn = [[people[i] for i in rng.integers(0, len(people), len(people))] for _ in range(samples)]
    results = []
    for sample in drawn:
        of_runs = []
        for run in runs:
            values = [
                v for person in sample for p, v in zip(run.people, run.values, strict=True) if p == person and v == v
            ]
            of_runs.append(sum(values) / len(values))
        results.append(sum(of_runs) / len(of_runs))
    n = len(changes)
    if n > 1:
        of_seeds = [sum(float(np.nanmean(run.values)) for run in splits) / len(splits) for splits in changes]
        for i in range(samples):
            chosen = [of_seeds[number] for number in rng.integers(0, n, n)]
            results[i] += (sum(chosen) / n - sum(of_seeds) / n) * (n / (n - 1)) ** 0.5
    return float(np.quantile(results, 0.025)), float(np.quantile(results, 0.975))


@pytest.mark.parametrize(("seeds", "splits"), [(1, 1), (1, 2), (3, 1), (2, 3)])
def test_agrees_with_a_slow_loop(seeds: int, splits: int) -> None:
    rng = np.random.default_rng(seeds)
    people = [rng.integers(0, 7, 30) for _ in range(splits)]  # with several queries each, not the same number
    changes = [[Changes(rng.standard_normal(30), people[split]) for split in range(splits)] for _ in range(seeds)]
    changes[0][0].values[:3] = np.nan
    assert bootstrap_interval(changes, samples=200, seed=5) == pytest.approx(slow_interval(changes, 200, 5))


def test_people_with_one_query_give_the_interval_of_the_central_limit_theorem() -> None:
    values = np.random.default_rng(0).standard_normal(400)
    low, high = bootstrap_interval([[Changes(values, np.arange(400))]])
    half = NormalDist().inv_cdf(0.975) * values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.005)
    assert high == pytest.approx(values.mean() + half, abs=0.005)


def test_seeds_alone_give_what_their_draws_give() -> None:
    """Of two seeds that change by 0 and 1, draws have the means 0, ½, ½, 1, spread by √2 about ½."""
    changes = [[Changes(np.full(10, value), np.arange(10))] for value in (0.0, 1.0)]
    assert bootstrap_interval(changes) == pytest.approx((0.5 - 0.5**0.5, 0.5 + 0.5**0.5))


def test_the_same_people_are_drawn_for_all_runs() -> None:
    """Two splits that change oppositely, person by person, leave nothing to vary."""
    values, people = np.random.default_rng(0).standard_normal(50), np.arange(50)
    low, high = bootstrap_interval([[Changes(values, people), Changes(-values, people)]])
    assert abs(low) < 1e-12 and abs(high) < 1e-12


def test_a_split_without_a_drawn_person_does_not_count() -> None:
    """Of two people each has one split; samples that draw one of them alone have no mean over both splits."""
    changes = [[Changes(np.array([1.0]), np.array([1])), Changes(np.array([3.0]), np.array([2]))]]
    assert bootstrap_interval(changes, samples=100) == (2.0, 2.0)


@pytest.mark.parametrize("own", [0.05, 0.2])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(own: float) -> None:
    """No true difference, but people and three seeds that vary, and each person by themselves from seed to seed."""
    rng = np.random.default_rng(0)
    people = np.arange(60)
    held, width = 0, 0.0
    for _ in range(200):
        of_people = 0.1 * rng.standard_normal(60)
        changes = [
            [Changes(of_people + 0.01 * rng.standard_normal() + own * rng.standard_normal(60), people)]
            for _ in range(3)
        ]
        low, high = bootstrap_interval(changes, samples=300)
        held += low <= 0 <= high
        width += (high - low) / 200
    assert 184 <= held <= 198
    right = 2 * NormalDist().inv_cdf(0.975) * np.sqrt(0.1**2 / 60 + 0.01**2 / 3 + own**2 / 180)
    assert 0.95 < width / right < 1.2


def test_changes_of_each_query() -> None:
    one = per_query([0.5, 1.0, np.nan, 0.2], [2, 1, 0, 7], [1, 1, 2, 3])
    other = per_query([1.0, 0.5, np.nan, 0.3], [1, 2, 0, 4], [1, 1, 2, 3])
    assert same_queries(one, other)
    for metric, expected in (
        ("mAP", [0.5, -0.5, np.nan, 0.1]),
        ("rank-1", [1, -1, np.nan, 0]),
        ("rank-5", [0, 0, np.nan, 1]),
    ):
        changes = changes_between(one, other, metric)
        np.testing.assert_allclose(changes.values, expected)
        np.testing.assert_array_equal(changes.people, [1, 1, 2, 3])


def test_which_queries_are_the_same() -> None:
    one = per_query([0.5, 1.0], [2, 1], [1, 2])
    assert not same_queries(one, per_query([0.5, 1.0], [2, 1], [1, 3]))
    assert not same_queries(one, per_query([0.5, np.nan], [2, 0], [1, 2]))
    assert not same_queries(one, per_query([0.5], [2], [1]))
