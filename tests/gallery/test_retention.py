import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from scalereid.gallery.events import Enrol, Merge
from scalereid.gallery.history import History
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.retention import LONGEST, Retention, overdue
from scalereid.typed_json import from_json
from tests.gallery.conftest import START, new_sightings


def test_the_rule_of_the_identity_counts_before_that_of_the_camera() -> None:
    rules = Retention(30, cameras={"hall": 7}, identities={"4": None, "5": 1})
    assert rules.limit("hall", None) == 7
    assert rules.limit("yard", None) == 30
    assert rules.limit("", 9) == 30
    assert rules.limit("hall", 4) is None
    assert rules.limit("hall", 5) == 1
    assert Retention().limit("hall", 5) is None
    assert from_json(Retention, rules.to_json(), "retention") == rules


def test_what_is_kept_too_long_is_told(ledger: Ledger) -> None:
    """Sightings are a minute apart, by the cameras c0, c1 and c2 in turn."""
    ledger.add(ledger.add_model("a" * 12, "{}"), new_sightings(9))
    history = History(ledger.engine)
    kept = history.record(Enrol((1,))).number
    minute = 1 / 24 / 60
    rules = Retention(4 * minute, cameras={"c1": 2 * minute}, identities={str(kept): None})
    at = START + timedelta(minutes=6)
    assert overdue(ledger, history.identities(), rules, at) == [2]  # 3 is just four minutes old, and 5 two
    assert overdue(ledger, history.identities(), rules, at + timedelta(seconds=30)) == [2, 3, 5]
    assert overdue(ledger, history.identities(), Retention(), at) == []


def test_without_a_time_age_counts_from_when_it_was_added(ledger: Ledger) -> None:
    new = new_sightings(1)[0]
    ledger.add(ledger.add_model("a" * 12, "{}"), [replace(new, seen=replace(new.seen, time=None))])
    identities = History(ledger.engine).identities()
    assert overdue(ledger, identities, Retention(1)) == []
    assert overdue(ledger, identities, Retention(1), datetime.now(UTC) + timedelta(days=2)) == [1]


@pytest.mark.parametrize("days", [0, -1, math.inf, math.nan, 1e10, LONGEST + 1])
def test_days_that_no_date_can_be_from_are_refused(days: float) -> None:
    expected = f"the retention of camera hall is {days} days; expected more than 0 and at most 100,000; None keeps them"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        Retention(cameras={"hall": days})


def test_the_longest_time_can_be_taken_from_a_date(ledger: Ledger) -> None:
    ledger.add(ledger.add_model("a" * 12, "{}"), new_sightings(2))
    assert overdue(ledger, History(ledger.engine).identities(), Retention(LONGEST)) == []


def test_a_number_is_one_however_it_is_written() -> None:
    rules = Retention(1, identities={"07": None})
    assert (rules.identities, rules.limit("", 7)) == ({"7": None}, None)
    with pytest.raises(ValueError, match="the retention names identity 'Anna'; expected its number"):
        Retention(identities={"Anna": 3})


def test_rules_of_merged_identities_count(ledger: Ledger) -> None:
    ledger.add(ledger.add_model("a" * 12, "{}"), new_sightings(6))
    history = History(ledger.engine)
    for number in range(1, 6):
        history.record(Enrol((number,)))
    rules = Retention(1, identities={"1": None, "2": 3, "3": 5, "5": 7})
    history.record(Merge(2, (1,)))
    history.record(Merge(4, (2, 3)))  # 1 is a part of 2, which is a part of 4
    identities = history.identities()
    assert rules.after_merges(identities) == Retention(1, identities={"4": None, "5": 7})
    assert overdue(ledger, identities, rules, START + timedelta(days=30)) == [5, 6]
    without = Retention(1, identities={"2": 3, "3": 2})
    assert without.after_merges(identities) == Retention(1, identities={"4": 2})
    assert overdue(ledger, identities, without, START + timedelta(days=1.5)) == [5, 6]
