"""Training batches: a new choice and new augmentation every epoch, both fixed by seed, epoch and position alone."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from scalereid.data.augmentation import normalise
from scalereid.data.images import ImageStore, read_ahead
from scalereid.data.sampling import any_images, in_halves, people_times_images

Augment = Callable[[Tensor, Generator], Tensor]
_GPU_SHARE = 0.3  # of a GPU's free memory that pixels may take; the rest is for the network


class TrainingBatches:
    """Batches of augmented images (b, 3, h, w) and labels (b,), on the device that trains.

    Every image once an epoch, in random order (`sampling.any_images`), or with `images_per_person` so many of each of
    batch_size / images_per_person people (`sampling.people_times_images`). With `halves`, the first half of every batch is
    of one half of each person's images, the second of the other. Batch i of an epoch depends on nothing but
    (seed, epoch, i), so training can stop and go on anywhere. On a GPU with room for them the pixels lie there as uint8 and
    nothing is copied any more; else the next batches are read and sent while one is trained on.

    Raises:
        ValueError: there are fewer images, or people, than one batch takes.
    """

    def __init__(
        self,
        store: ImageStore,
        labels: NDArray[np.int64],
        *,
        batch_size: int,
        images_per_person: int = 0,
        halves: bool = False,
        seed: int,
        device: torch.device,
        augment: Augment,
    ) -> None:
        self.store = store
        self.all_labels = labels
        self.labels = torch.from_numpy(labels).to(device)
        self.batch_size = batch_size
        self.images_per_person = images_per_person
        everything = np.arange(len(store))
        self.parts = in_halves(labels, np.random.default_rng([seed])) if halves else (everything,)
        self.seed = seed
        self.device = device
        self.augment = augment
        self.resident = _on_gpu(store, device)
        self.generator = Generator(device)
        self.number = len(self.order(0))

    def __len__(self) -> int:
        return self.number

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch, from number `start` on."""
        batches = self.order(epoch)[start:]
        for i, (batch, pixels) in enumerate(zip(batches, self._pixels(batches), strict=True), start):
            self.generator.manual_seed(_seed(self.seed, epoch, 1 + i))
            labels = self.labels[torch.from_numpy(batch).to(self.device)]
            yield self.augment(normalise(pixels), self.generator), labels

    def order(self, epoch: int) -> list[NDArray[np.int64]]:
        """The image numbers of each batch of an epoch."""
        random = np.random.default_rng([self.seed, epoch])
        size = self.batch_size // len(self.parts)
        orders = []
        for part in self.parts:
            if self.images_per_person:
                people = size // self.images_per_person
                own = people_times_images(self.all_labels[part], people, self.images_per_person, random)
            else:
                own = any_images(len(part), size, random)
            orders.append([part[batch] for batch in own])
        return [np.concatenate(batches) for batches in zip(*orders, strict=False)]  # the shorter half ends the epoch

    def _pixels(self, batches: list[NDArray[np.int64]]) -> Iterator[Tensor]:
        if self.resident is None:
            yield from read_ahead(self.store, batches, self.device)
        else:
            for batch in batches:
                yield self.resident[torch.from_numpy(batch).to(self.device)]


def _on_gpu(store: ImageStore, device: torch.device) -> Tensor | None:
    """All pixels on a GPU with room for them; None where batches are sent one by one."""
    if store.pixels is None or device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return store.pixels.to(device) if store.pixels.nbytes < _GPU_SHARE * free else None


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]) >> 1
