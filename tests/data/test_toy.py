from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalereid.data import toy
from scalereid.data.records import Counts, ReidDataset
from scalereid.data.toy import draw_toy, draw_toy_once, read_toy, read_toy_shifted
from scalereid.data.toy.camera import CAMERAS, SHIFTED_CAMERAS, Camera, photograph
from scalereid.data.toy.figure import Pose, draw_figure
from scalereid.data.toy.people import Person, draw_people


def differences(one: Person, other: Person) -> set[str]:
    return {f.name for f in fields(Person) if getattr(one, f.name) != getattr(other, f.name)}


def test_lookalikes_differ_in_one_thing_and_everyone_differs() -> None:
    people = draw_people(60, np.random.default_rng(0))
    assert len(people) == len(set(people)) == 60
    build, logo, shoes, combination = people[0:2], people[2:4], people[4:6], people[6:10]
    assert differences(*build) == {"build"}
    assert differences(*logo) == {"logo", "logo_colour"}
    assert differences(*shoes) == {"shoes"}
    assert len({(p.upper, p.lower_colour) for p in combination}) == 4
    assert len({p.upper for p in combination}) == len({p.lower_colour for p in combination}) == 2


def test_the_same_seed_draws_the_same_files(tmp_path: Path) -> None:
    one, two, other = (
        draw_toy(tmp_path / name, train_people=1, test_people=1, seed=seed)
        for name, seed in (("one", 5), ("two", 5), ("other", 6))
    )
    assert one.fingerprint() == two.fingerprint() != other.fingerprint()
    for record, again in zip(one.train, two.train, strict=True):
        assert record.path.read_bytes() == again.path.read_bytes()


def test_layout(people: ReidDataset) -> None:
    assert people.counts() == {"train": Counts(6, 72, 4), "query": Counts(4, 16, 4), "gallery": Counts(4, 32, 4)}
    assert not {r.pid for r in people.train} & {r.pid for r in people.query}
    with Image.open(people.train[0].path) as image:
        assert image.size == (128, 256)


def test_what_tells_lookalikes_apart_can_be_seen() -> None:
    """From the front, some pixels of lookalikes differ by a lot; a camera changes the picture of one person."""
    people = draw_people(10, np.random.default_rng(1))
    for one, other in ((0, 1), (2, 3), (4, 5), (6, 9)):
        pictures = [
            np.asarray(draw_figure(people[i], Pose("front", 0.3)).convert("RGB"), np.int16) for i in (one, other)
        ]
        visible = np.abs(pictures[0] - pictures[1]).max(axis=2) > 40
        assert visible.mean() > 0.001, (one, other)
    views = [np.asarray(photograph(people[0], camera, np.random.default_rng(2)), np.int16) for camera in CAMERAS]
    for i, view in enumerate(views):
        assert all(np.abs(view - other).mean() > 5 for other in views[:i])


def test_reading_draws_nothing_and_drawing_happens_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"there are no toy people in .*; `scalereid demo`"):
        read_toy(tmp_path)
    assert list(tmp_path.iterdir()) == []
    for name, some in toy.TOY_SETS.items():
        fewer = some._replace(train_people=min(1, some.train_people), test_people=1)
        monkeypatch.setitem(toy.TOY_SETS, name, fewer)
    assert draw_toy_once(tmp_path)
    assert not draw_toy_once(tmp_path)
    assert read_toy(tmp_path).name == "toy"
    assert len(list(tmp_path.iterdir())) == 1
    assert draw_toy_once(tmp_path, "toy-shifted")
    shifted = read_toy_shifted(tmp_path)
    assert (shifted.name, shifted.train, len(shifted.query), len(shifted.gallery)) == ("toy-shifted", (), 4, 8)


def test_another_place_looks_different() -> None:
    """Means and deviations of the colours in a person's pictures: elsewhere others, and more various."""
    (person,) = draw_people(1, np.random.default_rng(1))

    def style(camera: Camera) -> NDArray[np.float64]:
        pixels = np.asarray(photograph(person, camera, np.random.default_rng(2)), np.float64)
        return np.concatenate([pixels.mean(axis=(0, 1)), pixels.std(axis=(0, 1))])

    here, there = ([style(camera) for camera in cameras] for cameras in (CAMERAS, SHIFTED_CAMERAS))
    assert np.abs(np.mean(here, axis=0) - np.mean(there, axis=0)).mean() > 5
    assert np.std(there, axis=0).mean() > 1.5 * np.std(here, axis=0).mean()


def test_facing_decides_what_is_seen() -> None:
    person = draw_people(40, np.random.default_rng(0))[12]
    pictures = {
        facing: draw_figure(person, Pose(facing, 0.5)).tobytes() for facing in ("front", "back", "left", "right")
    }
    assert len(set(pictures.values())) == 4
