import numpy as np
import pytest

from scalereid.gallery.identities import Identities, Identity
from scalereid.gallery.ledger import UNKNOWN, Ledger
from scalereid.gallery.sightings import NewSighting, Seen, to_microseconds
from scalereid.gallery.units import Embedded, Units
from tests.gallery.conftest import START, vectors
from tests.gallery.people import fill, model_of

ROWS = [  # camera, track, whether the time is known
    ("a", "1", True),
    ("a", "", True),
    ("a", "1", True),
    ("b", "1", False),
    ("", "", True),
    ("a", "", True),
    ("a", "1", False),
]


@pytest.fixture
def seen(ledger: Ledger) -> Embedded:
    new = [
        NewSighting(Seen(f"{i}", camera, START.replace(minute=i) if timed else None, track=track), str(i), vector)
        for i, ((camera, track, timed), vector) in enumerate(zip(ROWS, vectors(len(ROWS)), strict=True))
    ]
    model = model_of(ledger).number
    ledger.add(model, new[:3])
    ledger.add(model, new[3:])
    return Embedded.read(ledger, model)


def test_reading(seen: Embedded) -> None:
    assert seen.numbers.tolist() == [1, 2, 3, 4, 5, 6, 7]
    np.testing.assert_array_equal(seen.vectors, vectors(len(ROWS)))
    assert [seen.spans.names[camera] for camera in seen.spans.cameras] == [row[0] for row in ROWS]
    assert (seen.spans.starts == UNKNOWN).tolist() == [not row[2] for row in ROWS]


def test_pairs_that_are_told_apart(seen: Embedded) -> None:
    """Not those of one track, and of one camera without a track."""
    one, other = np.triu_indices(len(ROWS), 1)
    alike = ~seen.told_apart(one, other)
    assert set(zip(one[alike].tolist(), other[alike].tolist(), strict=True)) == {(0, 2), (0, 6), (2, 6), (1, 5)}


def test_a_track_is_one_unit(seen: Embedded) -> None:
    units = Units.of_sightings(seen, Identities())
    assert units.of.tolist() == [0, 1, 0, 2, 3, 4, 0]
    mean = vectors(len(ROWS))[[0, 2, 6]].sum(axis=0)
    np.testing.assert_allclose(units.vectors[0], mean / np.linalg.norm(mean), rtol=1e-5)
    assert units.spans.starts[0] == to_microseconds(START.replace(minute=0))
    assert units.spans.ends[0] == to_microseconds(START.replace(minute=2))
    assert (units.spans.starts[2], units.spans.ends[2]) == (UNKNOWN, UNKNOWN)
    assert units.identities.tolist() == [-1] * 5


def test_a_track_of_two_people_is_more_units(seen: Embedded) -> None:
    identities = Identities({4: Identity("", {1}), 9: Identity("", {3})}, {1: 4, 3: 9})
    units = Units.of_sightings(seen, identities)
    assert units.of.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert units.identities.tolist() == [4, -1, 9, -1, -1, -1, -1]


def test_what_a_camera_adds_is_taken_off(ledger: Ledger) -> None:
    pids = fill(ledger, 60, cameras=1.5, noise=0.3)
    seen = Embedded.read(ledger, 1)

    def similarities(each: Embedded) -> tuple[float, float]:
        """Between one person's pictures from two cameras, and two people's from one, on average."""
        who = np.array(list(pids.values()))
        cosine, cameras = each.vectors @ each.vectors.T, each.spans.cameras
        same, at_home = who[:, None] == who, cameras[:, None] == cameras
        return float(cosine[same & ~at_home].mean()), float(cosine[~same & at_home].mean())

    before, after = similarities(seen), similarities(seen.relative_to_cameras())
    assert before[0] < before[1]
    assert after[0] > 0.6
    assert after[1] < 0.2


def test_a_gallery_without_embeddings(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="the gallery is empty: add pictures first"):
        Embedded.read(ledger, model_of(ledger).number)


def test_a_gallery_whose_pictures_were_not_kept(ledger: Ledger, seen: Embedded) -> None:
    assert len(seen.numbers)
    with pytest.raises(ValueError, match="pictures were not kept, so its model has embedded none of them"):
        Embedded.read(ledger, model_of(ledger).number + 1)
