import numpy as np
import pytest

from scalereid.gallery.calibrating import LEAST_PEOPLE, calibrate_on_confirmed
from scalereid.gallery.identities import Identities, Identity
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.units import Embedded
from tests.gallery.people import METADATA, fill, model_of, of_person


def confirmed(pids: dict[int, int], people: int = LEAST_PEOPLE) -> Identities:
    found = Identities()
    for person in range(people):
        own = of_person(pids, person)
        found.by_number[person + 1] = Identity("", set(own))
        found.of |= dict.fromkeys(own, person + 1)
    return found


def test_on_confirmed_people(ledger: Ledger) -> None:
    """Six pictures of 20 people: 12 pairs of each are of two tracks, 15 × 4 × … of two people."""
    pids = fill(ledger, 40)
    found = calibrate_on_confirmed(ledger, model_of(ledger), confirmed(pids))
    assert (found.same_pairs, found.different_pairs) == (20 * 12, 190 * 36)
    assert (found.model, found.fingerprint) == (METADATA.model, METADATA.fingerprint)
    assert found.dataset == "20 people confirmed in the gallery"
    # Of the pairs of all 40 people, most of whom nobody has confirmed.
    assert found.prior == pytest.approx(40 * 12 / (40 * 12 + 780 * 36), rel=0.3)
    cosine = (seen := Embedded.read(ledger, 1)).vectors @ seen.vectors.T
    who = np.array(list(pids.values()))
    same = (who[:, None] == who) & (seen.tracks[:, None] != seen.tracks)
    assert np.median(found.probability(1 - cosine[same])) > 0.9
    assert np.median(found.probability(1 - cosine[who[:, None] != who])) < 0.01
    assert found == calibrate_on_confirmed(ledger, model_of(ledger), confirmed(pids))  # always the same


def test_rejected_pairs_are_of_two_people(ledger: Ledger) -> None:
    pids = fill(ledger, 30)
    identities = confirmed(pids)
    stranger, known = of_person(pids, 25)[0], of_person(pids, 1)[0]
    identities.rejected = {stranger: {1, 2}, known: {1}}  # the known one has another identity: counted already
    found = calibrate_on_confirmed(ledger, model_of(ledger), identities)
    assert found.different_pairs == 190 * 36 + 12


def test_a_frequent_visitor_does_not_decide(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.gallery.calibrating._MOST_OF_ONE", 4)
    monkeypatch.setattr("scalereid.gallery.calibrating._MOST_DIFFERENT", 1000)
    pids = fill(ledger, 20)
    found = calibrate_on_confirmed(ledger, model_of(ledger), confirmed(pids))
    assert 20 * 4 <= found.same_pairs <= 20 * 6
    assert 700 < found.different_pairs < 1000


def test_too_few_people(ledger: Ledger) -> None:
    pids = fill(ledger, 25)
    identities = confirmed(pids, 21)
    for person in (0, 1):  # in one track only
        alone = of_person(pids, person)[:2]
        identities.by_number[person + 1].sightings = set(alone)
        identities.of = {n: i for n, i in identities.of.items() if i != person + 1 or n in alone}
    expected = (
        r"19 people with 228 pairs of sightings from different tracks or cameras confirmed in the gallery; expected at least "
        r"20 people\. Enrol or confirm more"
    )
    with pytest.raises(ValueError, match=expected):
        calibrate_on_confirmed(ledger, model_of(ledger), identities)
    with pytest.raises(ValueError, match="0 people with 0 pairs"):
        calibrate_on_confirmed(ledger, model_of(ledger), Identities())
