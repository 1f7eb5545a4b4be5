from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scalereid.data.sampling import Sampler, any_images, in_halves, people_times_images


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
    assert len(batches) == 3  # of person 0 and another person


def test_seeds_decide() -> None:
    one, again, other = (np.concatenate(draw([9] * 10, 5, 4, seed)) for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_people_meet_different_people() -> None:
    """Person 0 shares batches with every other person in the long run, about equally often."""
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


def test_halves_have_half_of_every_person() -> None:
    of_image = labels([4, 5, 1, 8])
    one, other = in_halves(of_image, np.random.default_rng(0))
    assert sorted([*one, *other]) == list(range(18))
    for person, count in enumerate([4, 5, 1, 8]):
        assert abs(2 * int((of_image[one] == person).sum()) - count) <= 1


def test_a_sampler_draws_any_images_or_people_times_images() -> None:
    of_image = labels([8] * 6)
    any_ = Sampler(of_image, batch_size=12, seed=3)
    assert any_.steps(0) == 4
    assert sorted(np.concatenate(any_.batches(5)).tolist()) == list(range(48))
    sampler = Sampler(of_image, batch_size=12, images_per_person=4, seed=3)
    assert sampler.steps(7) == len(sampler.batches(7)) == 4
    for batch in sampler.batches(7):
        assert sorted(np.unique(of_image[batch], return_counts=True)[1].tolist()) == [4, 4, 4]
    for made in (any_, sampler):
        assert [batch.tolist() for batch in made.batches(1)] == [batch.tolist() for batch in made.batches(1)]
        assert [batch.tolist() for batch in made.batches(1)] != [batch.tolist() for batch in made.batches(2)]


def test_a_sampler_changes_at_its_epoch() -> None:
    """Before it exactly the batches of any images, from it exactly those of people × images, in their own numbers."""
    of_image = labels([40, 4, 4, 4, 4, 4])
    options: dict[str, Any] = {"batch_size": 8, "seed": 1}
    both = Sampler(of_image, images_per_person=4, images_per_person_from_epoch=3, **options)
    before, after = Sampler(of_image, **options), Sampler(of_image, images_per_person=4, **options)
    assert [both.steps(epoch) for epoch in range(6)] == [7, 7, 7, 5, 5, 5]
    assert (before.steps(0), after.steps(0)) == (7, 5)
    for epoch in range(6):
        expected = before if epoch < 3 else after
        assert [batch.tolist() for batch in both.batches(epoch)] == [
            batch.tolist() for batch in expected.batches(epoch)
        ]


def test_halved_batches_never_mix_the_halves() -> None:
    of_image = labels([12] * 6)
    for images_per_person in (0, 2):
        sampler = Sampler(of_image, batch_size=12, images_per_person=images_per_person, halves=True, seed=0)
        drawn = [batch for epoch in range(4) for batch in sampler.batches(epoch)]
        assert all(len(batch) == 12 for batch in drawn)
        first, second = ({int(i) for batch in drawn for i in batch[half]} for half in (slice(6), slice(6, 12)))
        assert not first & second
        assert len(first | second) == 72
        for half in (first, second):
            assert set(of_image[list(half)].tolist()) == set(range(6))


def test_a_sampler_that_cannot_fill_a_batch_says_so_at_once() -> None:
    """Also when it would have to in a later epoch only."""
    with pytest.raises(ValueError, match=r"48 training images do not fill one batch of 50; lower data\.batch_size"):
        Sampler(labels([8] * 6), batch_size=50, seed=0)
    with pytest.raises(
        ValueError, match=r"6 people to train on do not fill .* 10 people × 2 .* data\.images_per_person"
    ):
        Sampler(labels([8] * 6), batch_size=20, images_per_person=2, images_per_person_from_epoch=9, seed=0)
