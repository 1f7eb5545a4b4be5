from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from scalereid.data.augmentation import AUGMENTATIONS, augment, normalise, random_flip
from scalereid.data.batches import TrainingBatches
from scalereid.data.images import ImageStore, read_image
from scalereid.data.records import ReidDataset, labels
from scalereid.data.sampling import Sampler

SIZE = (32, 16)


@pytest.fixture
def store(people: ReidDataset) -> ImageStore:
    return ImageStore([record.path for record in people.train], SIZE)


def batches(people: ReidDataset, store: ImageStore, *, seed: int = 0, plain: bool = False) -> TrainingBatches:
    change = 0.0 if plain else 0.5
    return TrainingBatches(
        store,
        sampler=Sampler(labels(people.train), batch_size=10, seed=seed),
        device=torch.device("cpu"),
        augment=partial(augment, steps=[(step, change) for step in AUGMENTATIONS.values()]),
    )


def test_every_image_at_most_once_with_its_own_label(people: ReidDataset, store: ImageStore) -> None:
    made = batches(people, store, plain=True)
    assert made.steps(3) == 7  # 72 images: the last two are dropped
    order = np.concatenate(made.sampler.batches(3))
    assert len(set(order.tolist())) == 70
    expected = labels(people.train)
    for indices, (images, of_people) in zip(made.sampler.batches(3), made.epoch(3), strict=True):
        pixels = torch.from_numpy(np.stack([read_image(people.train[i].path, SIZE) for i in indices]))
        assert torch.equal(images, normalise(pixels))
        assert of_people.tolist() == expected[indices].tolist()


def test_every_image_is_reached_over_the_epochs(people: ReidDataset, store: ImageStore) -> None:
    made = batches(people, store)
    assert set(np.concatenate([np.concatenate(made.sampler.batches(epoch)) for epoch in range(5)]).tolist()) == set(
        range(72)
    )


def test_a_batch_depends_on_seed_epoch_and_number_alone(people: ReidDataset, store: ImageStore) -> None:
    whole = list(batches(people, store).epoch(2))
    tail = list(batches(people, store).epoch(2, start=4))
    assert len(tail) == 3
    for (images, of_people), (again, of_people_again) in zip(whole[4:], tail, strict=True):
        assert torch.equal(images, again)
        assert torch.equal(of_people, of_people_again)
    assert not torch.equal(whole[0][0], next(batches(people, store).epoch(3))[0])
    assert not torch.equal(whole[0][0], next(batches(people, store, seed=1).epoch(2))[0])


def test_people_times_images(people: ReidDataset, store: ImageStore) -> None:
    """Random batches at first, then people × images: each epoch with its own number of batches."""
    made = TrainingBatches(
        store,
        sampler=Sampler(
            labels(people.train), batch_size=16, images_per_person=4, images_per_person_from_epoch=1, seed=0
        ),
        device=torch.device("cpu"),
        augment=partial(augment, steps=[(random_flip, 0.5)]),
    )
    assert (made.steps(0), made.steps(1)) == (4, 4)  # 72 images: of six people, three groups of four each
    counts = [
        [of_people.unique(return_counts=True)[1].tolist() for _, of_people in made.epoch(epoch)]  # type: ignore[no-untyped-call]
        for epoch in (0, 1)
    ]
    assert counts[0] != counts[1] == [[4, 4, 4, 4]] * 4


def test_reading_ahead_gives_the_same_batches(people: ReidDataset, store: ImageStore) -> None:
    unkept = ImageStore(store.paths, SIZE, memory_limit=0, cache_folder=Path("/proc/no/room"))
    ahead = batches(people, unkept)
    assert ahead.resident is None
    for (images, of_people), (other, other_people) in zip(
        batches(people, store).epoch(1, start=2), ahead.epoch(1, start=2), strict=True
    ):
        assert torch.equal(images, other)
        assert torch.equal(of_people, other_people)


def test_images_and_labels_are_as_many(people: ReidDataset) -> None:
    with pytest.raises(ValueError, match="5 images do not fit 72 labels"):
        batches(people, ImageStore([record.path for record in people.train[:5]], SIZE))


@pytest.mark.gpu
@pytest.mark.parametrize("resident", [True, False])
def test_gpu_batches_hold_the_same_images(people: ReidDataset, store: ImageStore, resident: bool) -> None:
    on_cpu = batches(people, store, plain=True)
    on_gpu = TrainingBatches(store, sampler=on_cpu.sampler, device=torch.device("cuda"), augment=on_cpu.augment)
    if not resident:
        on_gpu.resident = None
    for (images, of_people), (other, other_people) in zip(on_cpu.epoch(1), on_gpu.epoch(1), strict=True):
        torch.testing.assert_close(images, other.cpu())
        assert torch.equal(of_people, other_people.cpu())


@pytest.mark.gpu
def test_gpu_augmentation_repeats(people: ReidDataset, store: ImageStore) -> None:
    runs = []
    for _ in range(2):
        made = batches(people, store)
        on_gpu = TrainingBatches(store, sampler=made.sampler, device=torch.device("cuda"), augment=made.augment)
        runs.append([images for images, _ in on_gpu.epoch(0)])
    assert all(torch.equal(one, other) for one, other in zip(*runs, strict=True))


def test_attributes_are_further_columns_of_the_labels(people: ReidDataset, store: ImageStore) -> None:
    plain = batches(people, store, plain=True)
    rng = np.random.default_rng(0)
    attributes = rng.integers(-1, 2, (72, 3)).astype(np.int8)
    made = TrainingBatches(
        store, sampler=plain.sampler, device=plain.device, augment=plain.augment, attributes=attributes
    )
    for indices, (images, found), (same_images, of_people) in zip(
        made.sampler.batches(1), made.epoch(1), plain.epoch(1), strict=True
    ):
        assert torch.equal(images, same_images)
        assert torch.equal(found[:, 0], of_people)
        assert found[:, 1:].tolist() == attributes[indices].tolist()
