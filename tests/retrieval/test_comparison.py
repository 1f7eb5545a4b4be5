from typing import Any

import numpy as np
import pytest

from scalereid.retrieval.comparison import compare
from scalereid.retrieval.per_query import PerQuery
from scalereid.retrieval.scores import Scores, score
from tests.golden import inputs
from tests.retrieval.reference import pair


def scores(precisions: list[float], people: Any = None, **change: Any) -> Scores:
    """Scores of queries with these average precisions, by default each of another person."""
    values: dict[str, Any] = {"mAP": 0.0, "mINP": 0.0, "cmc": np.zeros(5), "queries": len(precisions)}
    values |= {"queries_without_match": 0, "distance": "cosine", "protocol": "market1501"}
    pids = np.arange(len(precisions)) if people is None else np.asarray(people)
    per_query = PerQuery(np.array(precisions), np.ones(len(precisions), dtype=np.int64), pids)
    return Scores(**(values | {"per_query": per_query} | change))


def test_changes_are_counted_query_by_query() -> None:
    found = compare(scores([0.5, 0.5, np.nan, 0.2, 1.0]), scores([0.7, 0.4, np.nan, 0.2, 1.0]))
    assert found.difference == pytest.approx(0.1 / 4)
    assert (found.better, found.worse, found.equal) == (1, 1, 2)
    assert found.interval[0] < 0 < found.interval[1]
    assert "mAP +2.50 points, 95 % interval" in str(found)
    assert "which may be chance; 1 query better, 1 worse, 2 equal" in str(found)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Changes whose mean is 0, in clusters: an interval from single queries would be too narrow."""
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 10)
    held = 0
    for _ in range(100):
        changes = rng.standard_normal(40)[people] * 0.1 + 0.01 * rng.standard_normal(400)
        one, other = scores([0.5] * 400, people), scores((0.5 + changes).tolist(), people)
        low, high = compare(one, other, samples=300).interval
        held += low <= 0 <= high
    assert 85 <= held <= 99


def test_a_clear_gain_is_more_than_chance() -> None:
    query, gallery, *labels = inputs.features(4, 60, 300, 20, 4)
    rng = np.random.default_rng(0)
    blurred = [x + 2 * rng.standard_normal(x.shape) for x in (query, gallery)]
    worse, better = score(*pair(*blurred, *labels)), score(*pair(query, gallery, *labels))
    found = compare(worse, better)
    assert found.difference == pytest.approx(better.mAP - worse.mAP)
    assert found.people == len(np.unique(labels[0]))
    assert found.interval[0] > 0
    assert "which is more than chance" in str(found)


def test_one_person_tells_nothing() -> None:
    found = compare(scores([0.5, 0.5], [7, 7]), scores([0.6, 0.6], [7, 7]))
    assert found.people == 1
    assert "which may be chance" in str(found)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Scores.from_json(scores([0.5, 0.5]).to_json()), "scores read from JSON have no results per query"),
        (scores([0.5, np.nan]), "not of the same queries"),
        (scores([0.5]), "not of the same queries"),
        (scores([0.5, 0.5], [0, 2]), "not of the same queries"),
        (scores([0.5, 0.5], protocol="all-cameras"), "scores measured in different ways cannot be compared"),
        (scores([0.5, 0.5], ap_rule="trapezoid"), "scores measured in different ways cannot be compared"),
    ],
)
def test_what_cannot_be_compared_is_said(other: Scores, message: str) -> None:
    for pair_of_scores in ((scores([0.5, 0.5]), other), (other, scores([0.5, 0.5]))):
        with pytest.raises(ValueError, match=message):
            compare(*pair_of_scores)
