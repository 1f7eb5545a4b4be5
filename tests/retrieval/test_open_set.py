from typing import Any

import numpy as np
import pytest

from scalereid.data.readers.random_splits import draw_people
from scalereid.retrieval.open_set import score_open_set
from tests.golden import inputs


def labels(q_pids: Any, g_pids: Any, q_camids: Any, g_camids: Any) -> dict[str, Any]:
    return {"query_pids": q_pids, "gallery_pids": g_pids, "query_camids": q_camids, "gallery_camids": g_camids}


def test_agrees_with_a_loop() -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = inputs.features(4, 60, 300, 20, 3, noise=0.8)
    found = score_open_set(query, gallery, **labels(q_pids, g_pids, q_camids, g_camids), distance="euclidean")
    both = sorted(set(q_pids.tolist()) & set(g_pids.tolist()))
    known = draw_people(both, len(both) // 2, dataset="open set", split=1, of=1)
    strangers, mated = [], []
    for i in range(60):
        kept = [
            j for j in range(300) if g_pids[j] in known and not (g_pids[j] == q_pids[i] and g_camids[j] == q_camids[i])
        ]
        distances = ((query[i].astype(np.float64) - gallery[kept]) ** 2).sum(axis=1)
        nearest = kept[int(distances.argmin())]
        if q_pids[i] not in known:
            strangers.append(distances.min())
        elif any(g_pids[j] == q_pids[i] for j in kept):
            mated.append((distances.min(), g_pids[nearest] == q_pids[i]))
    assert (found.known, found.unknown) == (len(mated), len(strangers))
    for point in found.points:
        false_alarms = sum(distance < point.threshold * (1 - 1e-6) for distance in strangers)
        assert false_alarms <= point.false_alarm_rate * len(strangers)
        named = sum(right and distance < point.threshold for distance, right in mated)
        assert point.identification_rate == pytest.approx(named / len(mated))
        turned_away = len(strangers) - false_alarms
        assert point.accuracy == pytest.approx((named + turned_away) / (len(mated) + len(strangers)), abs=0.02)


def test_known_people_apart_from_all_others_are_all_found() -> None:
    everybody = np.arange(40)
    found = score_open_set(
        np.eye(40), np.eye(40), **labels(everybody, everybody, np.ones(40), np.full(40, 2)), distance="euclidean"
    )
    assert (found.known, found.unknown) == (20, 20)
    [point] = found.points  # 20 unknown queries cannot tell a rate of 1 %
    assert (point.false_alarm_rate, point.identification_rate, point.accuracy) == (0.1, 1, 1)


def test_one_person_makes_no_open_set() -> None:
    with pytest.raises(ValueError, match="1 people are among queries and gallery; an open set takes two or more"):
        score_open_set(np.eye(2), np.eye(2), **labels([1, 2], [1, 3], [1, 1], [2, 2]))
