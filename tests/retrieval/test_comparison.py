from typing import Any

import numpy as np
import pytest

from scalereid.retrieval.comparison import compare
from scalereid.retrieval.scores import PerQuery, Scores, score
from tests.golden import inputs


def scores(precisions: list[float], **change: Any) -> Scores:
    values: dict[str, Any] = {"mAP": 0.0, "mINP": 0.0, "cmc": np.zeros(5), "queries": len(precisions)}
    values |= {"queries_without_match": 0, "distance": "cosine", "protocol": "market1501"}
    per_query = PerQuery(np.array(precisions), np.ones(len(precisions), dtype=np.int64))
    return Scores(**(values | {"per_query": per_query} | change))


def test_changes_are_counted_query_by_query() -> None:
    found = compare(scores([0.5, 0.5, np.nan, 0.2, 1.0]), scores([0.7, 0.4, np.nan, 0.2, 1.0]), [1, 2, 3, 4, 5])
    assert found.difference == pytest.approx(0.1 / 4)
    assert (found.better, found.worse, found.equal) == (1, 1, 2)
    assert found.interval[0] < 0 < found.interval[1]
    assert "mAP +2.50 points, 95 % interval" in str(found)
    assert "which may be chance; 1 queries are better, 1 worse, 2 equal" in str(found)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Changes whose mean is 0, in clusters: an interval from single queries would be too narrow."""
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(40), 10)
    held = 0
    for _ in range(100):
        changes = rng.standard_normal(40)[people] * 0.1 + 0.01 * rng.standard_normal(400)
        low, high = compare(scores([0.5] * 400), scores((0.5 + changes).tolist()), people, samples=300).interval
        held += low <= 0 <= high
    assert 85 <= held <= 99


def test_a_clear_gain_is_more_than_chance() -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(4, 60, 300, 20, 4)
    labels: dict[str, Any] = {"query_pids": q_pids, "gallery_pids": g_pids, "query_camids": q_camids}
    labels |= {"gallery_camids": g_camids}
    rng = np.random.default_rng(0)
    blurred = [x + 2 * rng.standard_normal(x.shape) for x in (query, gallery)]
    worse, better = score(*blurred, **labels), score(query, gallery, **labels)
    found = compare(worse, better, q_pids)
    assert found.difference == pytest.approx(better.mAP - worse.mAP)
    assert found.interval[0] > 0
    assert "which is more than chance" in str(found)


def test_what_cannot_be_compared_is_said() -> None:
    one = scores([0.5, 0.5])
    with pytest.raises(ValueError, match="scores read from a file do not have those of each query"):
        compare(one, Scores.from_json(one.to_json()), [1, 2])
    with pytest.raises(ValueError, match="not of the same queries"):
        compare(one, scores([0.5, np.nan]), [1, 2])
    with pytest.raises(ValueError, match="not of the same queries"):
        compare(one, one, [1, 2, 3])
    with pytest.raises(ValueError, match="not of the same queries"):
        compare(scores([0.5]), one, [1, 2])
    assert "which may be chance" in str(compare(one, scores([0.6, 0.6]), [7, 7]))  # one person tells nothing
    with pytest.raises(ValueError, match="scores made in different ways are not compared"):
        compare(one, scores([0.5, 0.5], protocol="all-cameras"), [1, 2])
