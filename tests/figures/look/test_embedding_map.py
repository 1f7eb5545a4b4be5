import numpy as np

from scalereid.figures.look.embedding_map import moved_apart

SIZE = (0.04, 0.1)


def overlapping(places: np.ndarray) -> int:
    apart = np.abs(places[:, None] - places[None])
    hides = (apart < np.array(SIZE) - 1e-3).all(axis=2)
    return int(np.triu(hides, 1).sum())


def test_pictures_do_not_hide_each_other() -> None:
    places = 0.5 + np.random.default_rng(0).normal(0, 0.02, (20, 2))
    assert overlapping(places) > 50
    moved = moved_apart(places, SIZE)
    assert overlapping(moved) == 0
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert np.linalg.norm(moved.mean(axis=0) - places.mean(axis=0)) < 0.02


def test_what_is_apart_stays() -> None:
    places = np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]])
    assert np.array_equal(moved_apart(places, SIZE), places)


def test_two_in_one_place_part() -> None:
    assert overlapping(moved_apart(np.full((2, 2), 0.5), SIZE)) == 0
