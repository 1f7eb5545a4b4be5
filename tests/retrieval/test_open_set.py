import numpy as np
import pytest

from scalereid.data.readers.random_splits import draw_people
from scalereid.retrieval.open_set import score_open_set
from tests.golden import inputs
from tests.retrieval.reference import pair


def test_agrees_with_a_loop() -> None:
    query, gallery, q_pids, g_pids, q_camids, g_camids = features = inputs.features(4, 60, 300, 20, 3, noise=0.8)
    found = score_open_set(*pair(*features), distance="euclidean")
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
    assert found.points
    for point in found.points:
        false_alarms = sum(distance < point.threshold * (1 - 1e-6) for distance in strangers)
        assert false_alarms <= point.false_alarm_rate * len(strangers)
        named = sum(right and distance < point.threshold for distance, right in mated)
        assert point.identification_rate == pytest.approx(named / len(mated))
        turned_away = len(strangers) - false_alarms
        assert point.accuracy == pytest.approx((named + turned_away) / (len(mated) + len(strangers)), abs=0.02)


def test_known_people_apart_from_all_others_are_all_found() -> None:
    everybody = np.arange(40)
    both = pair(np.eye(40), np.eye(40), everybody, everybody, np.ones(40), np.full(40, 2))
    found = score_open_set(*both, distance="euclidean")
    assert (found.known, found.unknown) == (20, 20)
    [point] = found.points  # 20 unknown queries cannot tell a rate of 1 %
    assert (point.false_alarm_rate, point.identification_rate, point.accuracy) == (0.1, 1, 1)


def test_the_protocol_is_followed() -> None:
    """Each person's only gallery image is the query itself, which all-cameras leaves out: no known person has a match."""
    people = np.arange(8)
    both = pair(np.eye(8), np.eye(8), people, people, np.ones(8), np.ones(8), people, people)
    assert score_open_set(*both, protocol="all-cameras").known == 0


def test_one_person_does_not_make_an_open_set() -> None:
    both = pair(np.eye(2), np.eye(2), [1, 2], [1, 3], [1, 1], [2, 2])
    with pytest.raises(ValueError, match="1 person in both query and gallery; an open set takes two or more"):
        score_open_set(*both)
