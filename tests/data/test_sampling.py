import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scalereid.data.sampling import any_images, people_times_images


def labels(counts: list[int]) -> NDArray[np.int64]:
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))


def draw(counts: list[int], people: int, images: int, seed: int = 0) -> list[NDArray[np.int64]]:
    return people_times_images(labels(counts), people, images, np.random.default_rng(seed))


@settings(max_examples=200, deadline=None)
@given(
    counts=st.lists(st.integers(1, 30), min_size=6, max_size=40),
    people=st.integers(2, 6),
    images=st.integers(2, 6),
    seed=st.integers(0, 9),
)
def test_batches_are_exact(counts: list[int], people: int, images: int, seed: int) -> None:
    of_image = labels(counts)
    batches = draw(counts, people, images, seed)
    assert len(batches) == len(draw(counts, people, images, seed + 1)) >= 1
    used = np.concatenate(batches)
    assert 0 <= used.min() <= used.max() < len(of_image)
    for batch in batches:
        _, times = np.unique(of_image[batch], return_counts=True)
        assert times.tolist() == [images] * people
        for person in set(of_image[batch].tolist()):
            own = batch[of_image[batch] == person]
            assert len(set(own.tolist())) == min(images, counts[person])  # repeated only where there are no more


def test_every_image_in_every_epoch_where_all_groups_fit() -> None:
    batches = draw([8] * 12, people=4, images=4)
    assert len(batches) == 6
    assert sorted(np.concatenate(batches).tolist()) == list(range(96))


@pytest.mark.parametrize("counts", [[5, 1, 7, 2, 9, 4, 3], [100, 3, 3, 3], [1, 1, 1]])
def test_every_image_is_reached_over_the_epochs(counts: list[int]) -> None:
    used = {int(i) for seed in range(300) for batch in draw(counts, 3, 4, seed) for i in batch}
    assert used == set(range(sum(counts)))


def test_a_person_with_most_images_does_not_take_over() -> None:
    batches = draw([1000, 4, 4, 4], people=2, images=4)
    assert len(batches) == 3  # of person 0 and somebody else


def test_seeds_decide() -> None:
    one, again, other = (np.concatenate(draw([9] * 10, 5, 4, seed)) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_people_meet_different_people() -> None:
    """Person 0 shares batches with everybody else in the long run, about equally often."""
    of_image = labels([8] * 20)
    met = np.zeros(20)
    for seed in range(200):
        for batch in draw([8] * 20, 5, 4, seed):
            people = set(of_image[batch].tolist())
            if 0 in people:
                met[list(people - {0})] += 1
    assert met[1:].min() > 0.7 * met[1:].mean()
    assert met[1:].max() < 1.3 * met[1:].mean()


def test_what_does_not_fill_a_batch_is_named() -> None:
    with pytest.raises(ValueError, match="3 people to train on do not fill one batch of 4 people × 2 images"):
        draw([5, 5, 5], people=4, images=2)
    with pytest.raises(ValueError, match="5 training images do not fill one batch of 10"):
        any_images(5, 10, np.random.default_rng(0))
