from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from scalereid.gallery import schema
from scalereid.gallery.filters import Filter
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import NewSighting, Seen, from_microseconds, to_microseconds
from tests.gallery.conftest import START, new_sightings, vectors


def test_times_to_microseconds_and_back() -> None:
    time = datetime(2026, 3, 29, 3, 30, 0, 123_457, tzinfo=timezone(timedelta(hours=2)))
    assert from_microseconds(to_microseconds(time)) == time
    assert from_microseconds(to_microseconds(time)).tzinfo is UTC
    assert to_microseconds(datetime(1970, 1, 1, 0, 0, 1)) == 1_000_000
    early = datetime(1890, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert from_microseconds(to_microseconds(early)) == early
    for never in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-00:01"):
        with pytest.raises(ValueError, match="expected one that is in the years 1 to 9999 in UTC"):
            to_microseconds(datetime.fromisoformat(never))


def test_what_is_added_is_there(ledger: Ledger) -> None:
    model = ledger.add_model("a" * 12, "{}")
    new = new_sightings(5)
    assert ledger.add(model, new) == [1, 2, 3, 4, 5]
    assert ledger.count() == 5
    found = ledger.sightings([2, 4, 9])
    assert {number: sighting.seen for number, sighting in found.items()} == {2: new[1].seen, 4: new[3].seen}
    assert abs(found[2].added - datetime.now(UTC)) < timedelta(minutes=1)
    assert ledger.crop(3) == new[2].crop
    [found_vectors] = ledger.vectors(model)
    assert found_vectors.sightings.tolist() == [1, 2, 3, 4, 5]
    assert (found_vectors.matrix == np.stack([each.vector for each in new])).all()
    assert found_vectors.cameras == ["c0", "c1", "c2", "c0", "c1"]
    assert found_vectors.times.tolist() == [to_microseconds(START) + 60_000_000 * i for i in range(5)]


def test_what_is_there_is_not_added_again(ledger: Ledger) -> None:
    model = ledger.add_model("a" * 12, "{}")
    new = new_sightings(4)
    ledger.add(model, new[:2])
    assert ledger.known([each.digest for each in new]) == {"digest-0", "digest-1"}
    assert ledger.add(model, [new[2], new[1], new[2], new[3]]) == [3, None, None, 4]
    assert ledger.count() == 4
    assert len(ledger.known([f"digest-{i}" for i in range(2_000)])) == 4  # more than fit into a condition


def test_a_sighting_that_fails_takes_the_others_of_its_call_with_it(ledger: Ledger) -> None:
    model = ledger.add_model("a" * 12, "{}")
    bad = replace(new_sightings(1)[0], seen=Seen("x", attributes={"bag": object()}))  # type: ignore[dict-item]
    with pytest.raises((StatementError, TypeError), match="not JSON serializable"):
        ledger.add(model, [*new_sightings(3), replace(bad, digest="other")])
    assert ledger.count() == 0
    [number] = ledger.add(model, new_sightings(1))
    assert ledger.select().tolist() == [number]


def test_models_are_told_apart_by_their_fingerprints(ledger: Ledger) -> None:
    one, other = ledger.add_model("a" * 12, "{}"), ledger.add_model("b" * 12, '{"model": "x"}', "{}")
    assert ledger.add_model("a" * 12, "{}") == one != other
    ledger.calibrate(one, '{"knots": []}')
    assert [(model.number, model.metadata, model.calibration) for model in ledger.models()] == [
        (one, "{}", '{"knots": []}'),
        (other, '{"model": "x"}', "{}"),
    ]


def test_embeddings_by_another_model(ledger: Ledger) -> None:
    one, other = ledger.add_model("a" * 12, "{}"), ledger.add_model("b" * 12, "{}")
    numbers = [number for number in ledger.add(one, new_sightings(5)) if number]
    again = vectors(5, size=3, seed=9)
    assert ledger.embed(other, numbers[:3], again[:3]) == 3
    more = [*numbers, 999]  # of which the first three have theirs, and the last is not there
    assert ledger.embed(other, more, -np.concatenate([again, again[:1]])) == 2
    [found] = ledger.vectors(other)
    assert found.sightings.tolist() == numbers
    assert (found.matrix == np.concatenate([again[:3], -again[3:]])).all()
    assert [(block.last, block.sightings.tolist()) for block in ledger.vectors(one, after=1, block=2)] == [
        (3, [2, 3]),
        (5, [4, 5]),
    ]
    late = ledger.add(other, new_sightings(1, start=5, size=3))  # after which the older ones are embedded
    assert [block.sightings.tolist() for block in ledger.vectors(other, after=found.last)] == [late]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Filter(), range(1, 8)),
        (Filter(cameras=("c0", "c2")), [1, 3, 4, 6]),
        (Filter(not_cameras=("c0",)), [2, 3, 5, 6]),
        (Filter(after=START + timedelta(minutes=2)), [3, 4, 5, 6]),
        (Filter(before=START + timedelta(minutes=2)), [1, 2]),
        (Filter(after=START + timedelta(minutes=1), before=START + timedelta(minutes=3), cameras=("c1",)), [2]),
        (Filter(tracks=("t",)), [7]),
        (Filter(cameras=("none",)), []),
    ],
)
def test_filters(ledger: Ledger, where: Filter, expected: list[int]) -> None:
    """The last of the sightings has neither a camera nor a time, and meets no condition on them."""
    model = ledger.add_model("a" * 12, "{}")
    ledger.add(model, [*new_sightings(6), NewSighting(Seen("7.jpg", track="t"), "digest-7", vectors(1)[0])])
    assert ledger.select(where).tolist() == [*expected]
    assert bool(where) == (where != Filter())


def test_a_part_of_the_sightings_is_selected_as_from_all_of_them(ledger: Ledger) -> None:
    ledger.add(ledger.add_model("a" * 12, "{}"), new_sightings(5))
    every = ledger.select().tolist()
    assert len(every) == 5
    for among in (None, [], [every[0], every[-1], 999]):
        for below in (None, every[-1], 1):
            for last in (None, 1, 2, 2**70):
                expected = [
                    each for each in every if (among is None or each in among) and (below is None or each < below)
                ]
                found = ledger.select(among=among, below=below, last=last).tolist()
                assert found == expected[-(last or len(every)) :]


def test_a_span_of_time_that_is_none() -> None:
    with pytest.raises(ValueError, match="expected after to be the earlier one"):
        Filter(after=START, before=START)


def test_what_is_not_a_ledger(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "text").write_text("not a database, " * 100)
    with pytest.raises(ValueError, match="text is damaged, or not a gallery: file is not a database"):
        Ledger(schema.connect(f"sqlite:///{tmp_path / 'text'}"))
    with pytest.raises(ValueError, match="empty is not a gallery: no such table"):
        Ledger(schema.connect(f"sqlite:///{tmp_path / 'empty'}"))
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE state SET format = 2"))
    with pytest.raises(ValueError, match="its format is 2, and this version reads up to 1; update scalereid"):
        Ledger(ledger.engine)


def test_embeddings_of_several_lengths_are_damage(ledger: Ledger) -> None:
    model = ledger.add_model("a" * 12, "{}")
    ledger.add(model, [*new_sightings(2), *new_sightings(1, start=2, size=9)])
    with pytest.raises(ValueError, match=r"has embeddings of \[32, 36\] bytes by one model; it is damaged"):
        list(ledger.vectors(model))
