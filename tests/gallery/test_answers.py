from datetime import UTC, datetime

import numpy as np
import pytest

from scalereid.gallery.answers import Answer, Thresholds, answer
from scalereid.gallery.identities import Identities, Identity
from scalereid.gallery.indexes import Hits
from scalereid.gallery.sightings import Seen, Sighting
from scalereid.retrieval.calibration import Calibration

WHO = Identities({1: Identity("Anna", {10, 11}), 2: Identity("", {20})}, {10: 1, 11: 1, 20: 2})
# Log-odds 4 at distance 0 to −4 at distance 1, at equal odds beforehand.
CALIBRATION = Calibration(
    "cosine", "net", "a" * 12, "toy", "logistic", ((0.0, 4.0), (1.0, -4.0)), 0.5, same_pairs=9, different_pairs=9, points=()
)  # fmt: skip


def probability(similarity: float) -> float:
    return 1 / (1 + np.exp(-(4 - 8 * (1 - similarity))))


def answered(rows: list[list[tuple[int, float]]], *, calibrated: bool = True, gone: tuple[int, ...] = ()) -> Answer:
    hits = Hits(
        np.array([[number for number, _ in row] for row in rows]),
        np.array([[similarity for _, similarity in row] for row in rows], np.float32),
    )
    known = [10, 11, 20, 30]
    sightings = {n: Sighting(n, Seen(f"{n}.jpg"), datetime(2026, 1, 1, tzinfo=UTC)) for n in known if n not in gone}
    return answer(hits, sightings, WHO, CALIBRATION if calibrated else None, Thresholds())


def test_one_picture() -> None:
    found = answered([[(30, 0.9), (11, 0.85), (20, 0.7), (10, 0.2), (-1, -np.inf)]])
    assert [match.sighting.number for match in found.matches] == [30, 11, 20, 10]
    assert [match.identity for match in found.matches] == [None, 1, 2, 1]
    assert [match.name for match in found.matches] == ["", "Anna", "", "Anna"]
    assert [match.probability for match in found.matches] == pytest.approx(
        [probability(s) for s in (0.9, 0.85, 0.7, 0.2)], rel=1e-5
    )
    anna, other = found.candidates
    assert (anna.identity, anna.name, anna.sightings, anna.verdict) == (1, "Anna", (11, 10), "likely")
    assert anna.similarity == pytest.approx(0.85)
    assert anna.probability == pytest.approx(probability(0.85), rel=1e-5)
    assert (other.identity, other.verdict) == (2, "possible")
    assert found.verdict == "likely"


def test_pictures_of_a_track_vote() -> None:
    """A query that does not find an identity speaks against it."""
    found = answered([[(10, 0.9), (20, 0.5)], [(20, 0.8), (30, 0.7)], [(11, 0.8), (10, 0.7)]])
    anna, other = found.candidates
    assert anna.probability == pytest.approx((probability(0.9) + 0 + probability(0.8)) / 3, rel=1e-5)
    assert other.probability == pytest.approx((probability(0.5) + probability(0.8) + 0) / 3, rel=1e-5)
    assert (anna.identity, anna.verdict, other.identity, other.verdict) == (1, "possible", 2, "unknown")
    assert [(match.sighting.number, round(match.similarity, 2)) for match in found.matches] == [
        (10, 0.9), (11, 0.8), (20, 0.8), (30, 0.7)
    ]  # fmt: skip


def test_strangers_are_unknown() -> None:
    assert answered([[(10, 0.3), (20, 0.2)]]).verdict == "unknown"
    assert answered([[(30, 0.99)]]).candidates == ()
    assert answered([[(30, 0.99)]]).verdict == "unknown"
    assert answered([[(-1, -np.inf)]]).matches == ()


def test_without_a_calibration_nothing_is_claimed() -> None:
    found = answered([[(20, 0.95), (10, 0.99)]], calibrated=False)
    assert [(c.identity, c.probability, c.verdict) for c in found.candidates] == [
        (1, None, "unknown"),
        (2, None, "unknown"),
    ]
    assert [match.probability for match in found.matches] == [None, None]


def test_what_was_forgotten_since_the_search_is_not_found() -> None:
    assert [match.sighting.number for match in answered([[(10, 0.9), (20, 0.8)]], gone=(10,)).matches] == [20]


@pytest.mark.parametrize("values", [(0.5, 0.9), (1.0, 0.5), (0.9, 0.0)])
def test_thresholds_that_make_no_sense(values: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="expected 0 < possible ≤ likely < 1"):
        Thresholds(*values)
