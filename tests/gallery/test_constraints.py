import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from scalereid.gallery.constraints import Constraints, Spans, elsewhere
from scalereid.gallery.ledger import UNKNOWN, Ledger
from scalereid.gallery.sightings import NewSighting, Seen
from scalereid.typed_json import from_json
from tests.gallery.conftest import START, vectors

SECOND = 1_000_000
#            camera, track, first and last second
TRACKS = [
    ("hall", "1", 0, 10),
    ("hall", "2", 9, 20),  # overlaps with the first
    ("hall", "3", 20, 30),  # touches the second
    ("hall", "", 5, 5),  # a single picture during the first
    ("door", "1", 4, 6),  # during the first, elsewhere
    ("yard", "1", 30.5, 40),  # half a second after the third
    ("yard", "2", 32, 40),  # overlaps with the one before, two seconds after the third
    ("", "9", 0, 40),  # nobody knows where
    ("door", "2", None, None),  # nor when
]


def spans() -> Spans:
    start = np.array([UNKNOWN if row[2] is None else int(row[2] * SECOND) for row in TRACKS])
    end = np.array([UNKNOWN if row[3] is None else int(row[3] * SECOND) for row in TRACKS])
    names = Spans.of_sightings([row[0] for row in TRACKS], start, [row[1] for row in TRACKS])
    return names._replace(ends=end)


def forbidden(constraints: Constraints) -> set[tuple[int, int]]:
    one, other = np.triu_indices(len(TRACKS), 1)
    found = constraints.forbid(spans(), one, other)
    np.testing.assert_array_equal(found, constraints.forbid(spans(), other, one))
    return set(zip(one[found].tolist(), other[found].tolist(), strict=True))


def test_by_hand() -> None:
    two_tracks = {(0, 1), (5, 6)}
    assert forbidden(Constraints(seconds=0)) == two_tracks | {(0, 4), (3, 4)}
    assert forbidden(Constraints()) == two_tracks | {(0, 4), (3, 4), (2, 5)}
    assert forbidden(Constraints(seconds=2)) == two_tracks | {(0, 4), (3, 4), (2, 5), (2, 6)}
    assert forbidden(Constraints(seconds=3)) == two_tracks | {(0, 4), (3, 4), (2, 5), (2, 6), (1, 4)}


def test_cameras_that_see_the_same_place() -> None:
    assert forbidden(Constraints((("door", "hall"), ("hall", "attic")))) == {(0, 1), (5, 6), (2, 5)}


def test_kept_as_json() -> None:
    kept = Constraints((("a", "b"), ("b", "c")), 2.5)
    assert from_json(Constraints, json.loads(json.dumps(asdict(kept))), "constraints") == kept


def test_what_cannot_be() -> None:
    with pytest.raises(ValueError, match=r"overlapping has the pair \('a', 'a'\); expected the names of two cameras"):
        Constraints((("a", "a"),))
    with pytest.raises(ValueError, match="seconds is -1; expected 0 or more"):
        Constraints(seconds=-1)


def test_who_was_elsewhere_cannot_be_who_was_here(ledger: Ledger) -> None:
    """Sightings are one a second, by three cameras in turn; the last two are of tracks of the first camera at one time."""
    tracks = [("c0", 20, "a"), ("c0", 20, "b"), ("c0", 20, ""), ("", 20, "")]
    new = [
        NewSighting(Seen(str(i), camera, START + timedelta(seconds=second), track=track), str(i), vectors(1, seed=i)[0])
        for i, (camera, second, track) in enumerate([(f"c{i % 3}", i, "") for i in range(9)] + tracks, start=1)
    ]
    ledger.add(ledger.add_model("a" * 12, "{}"), new)

    def found(camera: str, second: float, track: str = "", **constraints: Any) -> set[int]:
        seen = Seen("", camera, START + timedelta(seconds=second), track=track)
        return elsewhere(ledger, seen, Constraints(**constraints))

    assert found("c0", 3) == {3, 5}  # of c2 and c1, a second before and after
    assert found("c0", 3, seconds=2) == {2, 3, 5, 6}
    assert found("c0", 3, seconds=0) == set()
    assert found("c1", 3, seconds=0) == {4}
    assert found("c0", 3, overlapping=(("c0", "c2"),)) == {5}
    assert found("c0", 3, overlapping=(("c1", "c2"),)) == {3, 5}
    assert found("c0", 20, "a") == {11}
    assert found("c0", 20) == set()
    assert found("c1", 20) == {10, 11, 12}
    assert found("", 20) == elsewhere(ledger, Seen("", "c0"), Constraints()) == set()
