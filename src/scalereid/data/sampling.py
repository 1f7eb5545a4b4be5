"""Which images make a batch: any, or a number of images of each of a number of people."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Batch = NDArray[np.int64]  # image numbers


class Sampler:
    """The batches of every epoch, fixed by seed and epoch alone.

    Args:
        labels: The person (n,) on each training image, 0 … C − 1.
        batch_size: Images in a batch.
        images_per_person: 0 for every image once an epoch in random order (`any_images`); otherwise the number of images of
            each of batch_size / images_per_person people (`people_times_images`).
        images_per_person_from_epoch: The first epoch in which that is so; any images before it.
        halves: The first half of every batch shows one half of each person's images, its second half the other.
        seed: Of every draw.

    Raises:
        ValueError: There are fewer images, or people, than a batch takes.
    """

    def __init__(
        self,
        labels: NDArray[np.int64],
        *,
        batch_size: int,
        images_per_person: int = 0,
        images_per_person_from_epoch: int = 0,
        halves: bool = False,
        seed: int,
    ) -> None:
        self.labels, self.batch_size, self.seed = labels, batch_size, seed
        self.images_per_person, self.from_epoch = images_per_person, images_per_person_from_epoch
        self.parts = in_halves(labels, np.random.default_rng([seed])) if halves else (np.arange(len(labels)),)
        self._steps = {self._people_times_images(epoch): len(self.batches(epoch)) for epoch in {0, self.from_epoch}}

    def steps(self, epoch: int) -> int:
        """Number of batches in an epoch."""
        return self._steps[self._people_times_images(epoch)]  # each way to draw makes equally many in every epoch

    def batches(self, epoch: int) -> list[Batch]:
        """The image numbers of each batch of an epoch."""
        random = np.random.default_rng([self.seed, epoch])
        size = self.batch_size // len(self.parts)
        drawn = []
        for part in self.parts:
            if self._people_times_images(epoch):
                people = size // self.images_per_person
                own = people_times_images(self.labels[part], people, self.images_per_person, random)
            else:
                own = any_images(len(part), size, random)
            drawn.append([part[batch] for batch in own])
        return [np.concatenate(batches) for batches in zip(*drawn, strict=False)]  # the shorter half ends the epoch

    def _people_times_images(self, epoch: int) -> bool:
        return self.images_per_person > 0 and epoch >= self.from_epoch


def any_images(images: int, batch_size: int, random: Generator) -> list[Batch]:
    """Every image once, in random order; the last, incomplete batch is dropped.

    Raises:
        ValueError: There are fewer images than a batch takes.
    """
    if images < batch_size:
        raise ValueError(f"{images} training images do not fill one batch of {batch_size}; lower data.batch_size")
    shuffled = random.permutation(images)
    return [shuffled[start : start + batch_size] for start in range(0, images - batch_size + 1, batch_size)]


def people_times_images(labels: NDArray[np.int64], people: int, images: int, random: Generator) -> list[Batch]:
    """Batches of exactly `people` different people with `images` images each; every draw makes equally many.

    Each person's images are shuffled and cut into groups; a last group that is too small is filled up with more of
    that person's images, repeated only where there are no more. Every image is thus in a group, and all groups are used
    but those that do not fill a batch and those of a person with more groups than there are batches; which, is drawn.

    Raises:
        ValueError: There are fewer people than a batch takes.
    """
    groups = {int(label): _groups(np.flatnonzero(labels == label), images, random) for label in np.unique(labels)}
    batches = _batches_of({label: len(own) for label, own in groups.items()}, people)
    if batches == 0:
        raise ValueError(
            f"{len(groups)} people to train on do not fill one batch of {people} people × {images} images; "
            "lower data.batch_size, or raise data.images_per_person"
        )
    # Round-robin: with the groups in a row, person by person, and every batch taking each `batches`-th of them, no person is
    # twice in a batch.
    row: list[Batch] = []
    for label in random.permutation(list(groups)):
        row += [groups[int(label)][i] for i in random.permutation(len(groups[int(label)]))[:batches]]
    unused = set(random.permutation(len(row))[batches * people :].tolist())
    row = [group for i, group in enumerate(row) if i not in unused]
    return [np.concatenate(row[number::batches]) for number in random.permutation(batches)]


def in_halves(labels: NDArray[np.int64], random: Generator) -> tuple[Batch, Batch]:
    """Two halves of the images, each with half of every person's, one more or less, fixed by `random`."""
    row = np.concatenate([random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)])
    return np.sort(row[::2]), np.sort(row[1::2])


def _groups(own: Batch, images: int, random: Generator) -> list[Batch]:
    """One person's images in groups of `images`, in random order."""
    own = random.permutation(own)
    if missing := -len(own) % images:
        others = own[: len(own) - len(own) % images]  # not in the last group
        enough = len(others) >= missing
        filling = random.choice(others, missing, replace=False) if enough else np.resize(own, missing)
        own = np.concatenate([own, filling])
    return [own[start : start + images] for start in range(0, len(own), images)]


def _batches_of(groups: dict[int, int], people: int) -> int:
    """The largest number of batches of different people that these numbers of groups per person can make."""
    batches = sum(groups.values()) // people
    while (fewer := sum(min(count, batches) for count in groups.values()) // people) < batches:
        batches = fewer
    return batches
