from dataclasses import replace
from datetime import timedelta
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalereid.gallery.constraints import Constraints
from scalereid.gallery.filters import Filter
from scalereid.gallery.grouping import Grouping, Proposal, group
from scalereid.gallery.history import History
from scalereid.gallery.identities import Identities, Identity
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import NewSighting, Seen
from scalereid.retrieval.calibration import Calibration
from tests.gallery.conftest import START, vectors
from tests.gallery.people import METADATA, fill, model_of, of_person

# Log-odds 10 at distance 0 to −10 at distance 1, and 1 in 101 pairs of one person.
CALIBRATION = Calibration(
    "cosine", "net", METADATA.fingerprint, "toy", "logistic", ((0.0, 10.0), (1.0, -10.0)), 1 / 101, 99, 9999, points=()
)  # fmt: skip


def known(pids: dict[int, int], *people: int) -> Identities:
    """These people are confirmed; their numbers begin at 101."""
    found = Identities()
    for person in people:
        own = of_person(pids, person)
        found.by_number[person + 101] = Identity(f"person {person}", set(own))
        found.of |= dict.fromkeys(own, person + 101)
    return found


def grouped(ledger: Ledger, identities: Identities | None = None, **options: object) -> Grouping:
    return group(ledger, model_of(ledger), identities or Identities(), **({"calibration": None} | options))  # type: ignore[arg-type]


def test_planted_people_are_found(ledger: Ledger) -> None:
    pids = fill(ledger, 30, noise=0.3)
    found = grouped(ledger, calibration=CALIBRATION, probability=0.5)
    assert {each.sightings for each in found.proposals} == {of_person(pids, person) for person in range(30)}
    similarities = [each.similarity for each in found.proposals]
    assert similarities == sorted(similarities, reverse=True)
    assert {(each.identity, each.name, each.tracks) for each in found.proposals} == {(None, "", 3)}
    assert (found.alone, found.relative_to_cameras, found.calibration) == ((), False, CALIBRATION)
    assert found.similarity == pytest.approx(1 - (10 - np.log(100)) / 20)
    for each in found.proposals:
        assert found.similarity <= each.similarity < 1
        assert each.probability == pytest.approx(CALIBRATION.probability(1 - each.similarity))
    assert found == grouped(ledger, calibration=CALIBRATION, probability=0.5)
    assert History(ledger.engine).events() == []  # nothing is recorded


def test_more_sightings_of_people_who_are_known(ledger: Ledger) -> None:
    pids = fill(ledger, 5)
    first, second = of_person(pids, 0), of_person(pids, 1)
    identities = known(pids, 0, 1)
    for number in first[2:]:  # only the first track of person 0 is confirmed; person 1 is
        del identities.of[number]
        identities.by_number[101].sightings.discard(number)
    found = grouped(ledger, identities, similarity=0.5)
    assert Proposal(first[2:], 101, "person 0", 2, found.proposals[-1].similarity, None) == found.proposals[-1]
    assert [each.sightings for each in found.proposals if each.identity == 102] == []
    assert sorted(number for each in found.proposals for number in each.sightings) == sorted(
        set(pids) - set(second) - set(first[:2])
    )


def test_what_was_rejected_stays_apart(ledger: Ledger) -> None:
    """And so does its whole track."""
    pids = fill(ledger, 1, noise=0.1)
    own = of_person(pids, 0)
    identities = Identities({7: Identity("Anna", set(own[:2]))}, dict.fromkeys(own[:2], 7))
    (found,) = grouped(ledger, identities, similarity=0.5).proposals
    assert (found.sightings, found.identity, found.name) == (own[2:], 7, "Anna")
    identities.rejected = {own[3]: {7}, own[5]: {7}}
    (found,) = grouped(ledger, identities, similarity=0.5).proposals
    assert (found.sightings, found.identity) == (own[2:], None)


def test_two_identities_are_never_joined(ledger: Ledger) -> None:
    pids = fill(ledger, 1, noise=0.1)
    one, other, unknown = (of_person(pids, 0)[i : i + 2] for i in (0, 2, 4))
    identities = Identities(
        {1: Identity("", set(one)), 2: Identity("", set(other))}, dict.fromkeys(one, 1) | dict.fromkeys(other, 2)
    )
    (found,) = grouped(ledger, identities, similarity=0.1).proposals
    assert found.sightings == unknown
    assert found.identity in (1, 2)


def test_only_sightings_that_meet_a_filter_are_grouped(ledger: Ledger) -> None:
    """Those with an identity take part all the same."""
    pids = fill(ledger, 2)
    own, others = of_person(pids, 0), of_person(pids, 1)
    identities = Identities({7: Identity("", set(own[:2]))}, dict.fromkeys(own[:2], 7))
    found = grouped(ledger, identities, similarity=0.5, where=Filter(cameras=("c",)))
    assert {(each.sightings, each.identity) for each in found.proposals} == {(own[4:], 7), (others[4:], None)}


def test_pictures_that_are_like_no_other(ledger: Ledger) -> None:
    ledger.add(
        model_of(ledger).number,
        [NewSighting(Seen(f"{i}.jpg"), str(i), vector) for i, vector in enumerate(np.eye(4, 32, dtype=np.float32))],
    )
    found = grouped(ledger, similarity=0.3)
    assert (found.proposals, found.alone) == ((), (1, 2, 3, 4))


def test_people_who_are_confirmed_calibrate(ledger: Ledger) -> None:
    """And what the cameras add is taken off, without which nobody would be found in two cameras."""
    pids = fill(ledger, 60, cameras=1.5, noise=0.4)
    identities = known(pids, *range(25))
    found = grouped(ledger, identities)
    assert found.relative_to_cameras
    assert found.calibration
    assert found.calibration.dataset == "25 people confirmed in the gallery"
    people = [{pids[number] for number in each.sightings} for each in found.proposals if each.identity is None]
    assert all(len(each) == 1 for each in people)
    assert sum(len(each.sightings) == 6 for each in found.proposals) >= 30
    raw = grouped(ledger, similarity=0.5)
    assert max(len(each.sightings) for each in raw.proposals) > 12  # people of one camera are joined


def test_the_calibration_given_is_used_where_that_on_the_confirmed_is_not_sure_enough(ledger: Ledger) -> None:
    pids = fill(ledger, 40, noise=1.5)
    identities = known(pids, *range(20))
    steep = replace(CALIBRATION, knots=((0.0, 30.0), (1.0, -30.0)))
    found = grouped(ledger, identities, calibration=steep, probability=0.99999)
    assert (found.calibration, found.relative_to_cameras) == (steep, False)


def test_errors_say_what_to_do(ledger: Ledger) -> None:
    fill(ledger, 2)
    with pytest.raises(
        ValueError, match=r"has no calibration, and there is none on its own people: 0 people with 0 pairs"
    ):
        grouped(ledger)
    with pytest.raises(ValueError, match=r"the calibration on toy is never surer than 1, and 0\.99999 is wanted"):
        grouped(ledger, calibration=CALIBRATION, probability=0.99999)
    with pytest.raises(ValueError, match=r"similarity is 1\.5; expected a cosine"):
        grouped(ledger, similarity=1.5)
    with pytest.raises(ValueError, match="the calibration is of net, fingerprint ffffffffffff, not of these weights"):
        grouped(ledger, calibration=replace(CALIBRATION, fingerprint="f" * 12))


@pytest.fixture
def crowd(ledger: Ledger) -> Ledger:
    """36 sightings that look like each other, in four cameras, within ten seconds, in tracks of one to four."""
    random = np.random.default_rng(3)
    common = vectors(1, 32)[0]
    new = []
    for i, noise in enumerate(vectors(36, 32, seed=4)):
        vector = common + 0.8 * noise
        seen = Seen(
            f"{i}.jpg",
            camera=str(random.choice(["", "a", "b", "c"])),
            time=None if random.random() < 0.1 else START + timedelta(seconds=float(random.integers(0, 20)) / 2),
            track=str(random.choice(["", "1", "2", "3"])),
        )
        new.append(NewSighting(seen, str(i), (vector / np.linalg.norm(vector)).astype(np.float32)))
    ledger.add(model_of(ledger).number, new)
    return ledger


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.floats(-0.5, 0.9),
    st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    st.sampled_from([(), (("a", "b"),), (("a", "b"), ("b", "c"))]),
    st.integers(0, 10_000),
)
def test_nothing_that_is_forbidden_is_proposed(
    crowd: Ledger, similarity: float, seconds: float, overlapping: tuple[tuple[str, str], ...], seed: int
) -> None:
    random = np.random.default_rng(seed)
    identities = Identities({1: Identity(), 2: Identity(), 3: Identity()})
    for number in range(1, 37):
        if (identity := int(random.integers(0, 9))) in identities.by_number:
            identities.of[number] = identity
            identities.by_number[identity].sightings.add(number)
        if (against := int(random.integers(1, 9))) in identities.by_number and against != identity:
            identities.rejected[number] = {against}
    found = grouped(crowd, identities, similarity=similarity, constraints=Constraints(overlapping, seconds))
    seen = {number: sighting.seen for number, sighting in crowd.sightings(range(1, 37)).items()}
    listed = [number for each in found.proposals for number in each.sightings] + list(found.alone)
    assert sorted(listed) == sorted(set(seen) - set(identities.of))  # each once
    for proposal in found.proposals:
        own = identities.by_number[proposal.identity].sightings if proposal.identity else set[int]()
        assert not any(proposal.identity in identities.rejected.get(number, ()) for number in proposal.sightings)
        known, unknown = ([seen[number] for number in numbers] for numbers in (sorted(own), proposal.sightings))
        assert not any(two_places(*pair, seconds, overlapping) for pair in combinations(unknown, 2))
        assert not any(two_places(*pair, seconds, overlapping) for pair in product(unknown, known))
        assert not any(two_tracks(*pair) for pair in combinations(tracks_of(unknown), 2))
        assert not any(two_tracks(*pair) for pair in product(tracks_of(unknown), tracks_of(known)))


def two_places(one: Seen, other: Seen, seconds: float, overlapping: tuple[tuple[str, str], ...]) -> bool:
    if not (one.time and other.time and one.camera and other.camera) or one.camera == other.camera:
        return False
    if (one.camera, other.camera) in overlapping or (other.camera, one.camera) in overlapping:
        return False
    return abs((one.time - other.time).total_seconds()) <= seconds


def tracks_of(sightings: list[Seen]) -> list[list[Seen]]:
    """Those with a time of each track of a known camera."""
    names = {(each.camera, each.track) for each in sightings if each.camera and each.track and each.time}
    return [[each for each in sightings if (each.camera, each.track) == name and each.time] for name in sorted(names)]


def two_tracks(one: list[Seen], other: list[Seen]) -> bool:
    """Whether the times of two tracks of a camera overlap."""
    if one[0].camera != other[0].camera or one[0].track == other[0].track:
        return False
    first, second = ([each.time for each in track if each.time] for track in (one, other))
    return max(min(first), min(second)) < min(max(first), max(second))
