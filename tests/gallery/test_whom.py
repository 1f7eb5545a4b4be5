import numpy as np
import pytest

from scalereid.gallery.identities import ConflictError, Identities, Identity
from scalereid.gallery.whom import allowed, of_same_identities

PEOPLE = Identities(
    by_number={1: Identity("Anna", {10, 11}), 5: Identity("Ben", {12})}, of={10: 1, 11: 1, 12: 5}, rejected={13: {1}}
)


def test_whose_sightings_may_be_found() -> None:
    assert allowed("all", PEOPLE) == (None, set())
    assert allowed("unknown", PEOPLE) == (None, {10, 11, 12})
    for among, expected in (("known", [10, 11, 12]), ([1], [10, 11]), ([5, 1], [10, 11, 12]), ([], [])):
        only, others = allowed(among, PEOPLE)  # type: ignore[arg-type]
        assert only is not None and only.dtype == np.int64
        assert (only.tolist(), others) == (expected, set())
    with pytest.raises(ConflictError, match="identity 9 does not exist"):
        allowed([9], PEOPLE)


def test_sightings_stand_for_their_identities() -> None:
    assert of_same_identities({10, 13}, PEOPLE) == {10, 11, 13}
    assert of_same_identities(set(), PEOPLE) == set()
