"""Which images make a batch: any, or so many of each of so many people."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Batch = NDArray[np.int64]  # image numbers


def any_images(images: int, batch_size: int, random: Generator) -> list[Batch]:
    """Every image once, in random order; the last, incomplete batch is dropped.

    Raises:
        ValueError: there are fewer images than one batch takes.
    """
    if images < batch_size:
        raise ValueError(f"{images} training images do not fill one batch of {batch_size}; lower batch_size")
    shuffled = random.permutation(images)
    return [shuffled[start : start + batch_size] for start in range(0, images - batch_size + 1, batch_size)]


def people_times_images(labels: NDArray[np.int64], people: int, images: int, random: Generator) -> list[Batch]:
    """Batches of exactly `people` different people with `images` images each; there are equally many for every draw.

    Each person's images are shuffled and cut into groups; a last group that is too small is filled up with more of
    that person's images, repeated only where there are no more. Every image is thus in a group, and all groups are used
    but those that do not fill a batch and those of a person with more groups than there are batches; which, is drawn.

    Raises:
        ValueError: there are fewer people than one batch takes.
    """
    groups = {int(label): _groups(np.flatnonzero(labels == label), images, random) for label in np.unique(labels)}
    batches = _batches_of({label: len(own) for label, own in groups.items()}, people)
    if batches == 0:
        raise ValueError(
            f"{len(groups)} people to train on do not fill one batch of {people} people × {images} images; "
            "lower batch_size, or raise images_per_person"
        )
    # Laid out person by person and dealt like cards, one to each batch in turn, a person comes to a batch once at most.
    row: list[Batch] = []
    for label in random.permutation(list(groups)):
        row += [groups[int(label)][i] for i in random.permutation(len(groups[int(label)]))[:batches]]
    left_out = set(random.permutation(len(row))[batches * people :].tolist())
    row = [group for i, group in enumerate(row) if i not in left_out]
    return [np.concatenate(row[number::batches]) for number in random.permutation(batches)]


def in_halves(labels: NDArray[np.int64], random: Generator) -> tuple[Batch, Batch]:
    """Two halves of the images, each with half of every person's, one more or less, fixed by `random`."""
    dealt = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    row = np.concatenate(dealt)
    return np.sort(row[::2]), np.sort(row[1::2])


def _groups(own: Batch, images: int, random: Generator) -> list[Batch]:
    """One person's images in groups of `images`, in random order."""
    own = random.permutation(own)
    missing = -len(own) % images
    if missing:
        others = own[: len(own) - len(own) % images]  # not in the last group
        enough = len(others) >= missing
        filling = random.choice(others, missing, replace=False) if enough else np.resize(own, missing)
        own = np.concatenate([own, filling])
    return [own[start : start + images] for start in range(0, len(own), images)]


def _batches_of(groups: dict[int, int], people: int) -> int:
    """The most batches of different people that so many groups per person can make."""
    batches = sum(groups.values()) // people
    while (fewer := sum(min(count, batches) for count in groups.values()) // people) < batches:
        batches = fewer
    return batches
