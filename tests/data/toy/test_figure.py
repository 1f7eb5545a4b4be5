from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from scalereid.data.toy.figure import HEIGHT, WIDTH, Facing, Pose, draw_figure
from scalereid.data.toy.people import Bag, Person, draw_people

FACINGS: tuple[Facing, ...] = ("front", "back", "left", "right")


def pixels(person: Person, facing: Facing = "front", stride: float = 0.3) -> NDArray[np.int16]:
    return np.asarray(draw_figure(person, Pose(facing, stride)), np.int16)


@pytest.fixture
def person() -> Person:
    return draw_people(40, np.random.default_rng(0))[12]


def test_a_figure_stands_on_a_transparent_background(person: Person) -> None:
    for facing in FACINGS:
        drawn = pixels(person, facing)
        assert drawn.shape == (HEIGHT, WIDTH, 4)
        rows, columns = np.nonzero(drawn[:, :, 3])
        assert rows.min() < 0.06 * HEIGHT  # the head
        assert rows.max() > 0.93 * HEIGHT  # the feet
        assert abs((columns.min() + columns.max()) / 2 - WIDTH / 2) < 0.1 * WIDTH
        assert set(np.unique(drawn[:, :, 3])) == {0, 255}


def test_what_tells_lookalikes_apart_can_be_seen() -> None:
    """From the front, some pixels of lookalikes differ by a lot."""
    people = draw_people(10, np.random.default_rng(1))
    for one, other in ((0, 1), (2, 3), (4, 5), (6, 9)):
        visible = np.abs(pixels(people[one])[:, :, :3] - pixels(people[other])[:, :, :3]).max(axis=2) > 40
        assert visible.mean() > 0.001, (one, other)


def test_facing_decides_what_is_seen(person: Person) -> None:
    assert len({pixels(person, facing).tobytes() for facing in FACINGS}) == 4


def test_a_person_walking_left_is_one_walking_right_mirrored(person: Person) -> None:
    bags: tuple[Bag, ...] = ("none", "backpack", "shoulder")
    for bag in bags:
        plain = replace(person, bag=bag, pattern="plain")
        left, right = (pixels(plain, facing) for facing in ("left", "right"))
        differ = (np.abs(left - right[:, ::-1]) > 40).any(axis=2)
        assert differ.mean() < 0.01  # edges, by a pixel
        assert (np.abs(left - right) > 40).any(axis=2).mean() > differ.mean()


def test_build_widens_the_body_and_not_the_head(person: Person) -> None:
    def width(drawn: NDArray[np.int16], height: float) -> int:
        return int((drawn[int(height * HEIGHT), :, 3] > 0).sum())

    thin, average, wide = (pixels(replace(person, build=build, hair="bald")) for build in (0.78, 1.0, 1.28))
    assert width(thin, 0.3) < width(average, 0.3) < width(wide, 0.3)
    assert width(thin, 0.1) == width(average, 0.1) == width(wide, 0.1)


def test_a_backpack_hides_the_logo_from_behind(person: Person) -> None:
    with_logo, without = (replace(person, bag="backpack", logo=logo, pattern="plain") for logo in ("disc", "none"))
    assert np.array_equal(pixels(with_logo, "back"), pixels(without, "back"))
    assert not np.array_equal(pixels(with_logo, "front"), pixels(without, "front"))


def test_every_look_can_be_drawn_from_every_side() -> None:
    looks = {
        (person.hair, person.pattern, person.lower, person.bag, person.logo): person
        for person in draw_people(60, np.random.default_rng(3))
    }
    assert {look[0] for look in looks} == {"short", "long", "bun", "cap", "bald"}
    assert {look[3] for look in looks} == {"none", "backpack", "shoulder", "hand"}
    for number, person in enumerate(looks.values()):
        drawn = pixels(person, FACINGS[number % 4], stride=-1 + number % 3)
        assert 0.08 < (drawn[:, :, 3] > 0).mean() < 0.4
