"""Training batches: a new order and new augmentation every epoch, both fixed by seed, epoch and position alone."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from scalereid.data.augmentation import normalise
from scalereid.data.images import ImageStore

Augment = Callable[[Tensor, Generator], Tensor]
_AHEAD = 2  # batches read while one is trained on
_GPU_SHARE = 0.3  # of a GPU's free memory that pixels may take; the rest is for the network


class TrainingBatches:
    """Batches of augmented images (b, 3, h, w) and labels (b,), on the device that trains.

    Every image once an epoch, in random order; the last, incomplete batch is dropped. Batch i of an epoch depends on
    nothing but (seed, epoch, i), so training can stop and go on anywhere. Where the pixels fit, they are held on the
    device as uint8 and nothing is copied any more; else the next batches are read while one is trained on.

    Raises:
        ValueError: there are fewer images than one batch takes.
    """

    def __init__(
        self,
        store: ImageStore,
        labels: NDArray[np.int64],
        *,
        batch_size: int,
        seed: int,
        device: torch.device,
        augment: Augment,
    ) -> None:
        if len(store) < batch_size:
            raise ValueError(f"{len(store)} training images do not fill one batch of {batch_size}; lower batch_size")
        self.store = store
        self.labels = torch.from_numpy(labels)
        self.batch_size = batch_size
        self.seed = seed
        self.device = device
        self.augment = augment
        self.resident = _on_device(store, device)
        self.generator = Generator(device)

    def __len__(self) -> int:
        return len(self.store) // self.batch_size

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch, from number `start` on."""
        batches = self.order(epoch)[start:]
        for i, (pixels, labels) in enumerate(self._read(batches), start):
            self.generator.manual_seed(_seed(self.seed, epoch, 1 + i))
            yield self.augment(normalise(pixels), self.generator), labels

    def order(self, epoch: int) -> list[NDArray[np.int64]]:
        """The image numbers of each batch of an epoch."""
        shuffled = np.random.default_rng([self.seed, epoch]).permutation(len(self.store))
        return [shuffled[i * self.batch_size : (i + 1) * self.batch_size] for i in range(len(self))]

    def _read(self, batches: list[NDArray[np.int64]]) -> Iterator[tuple[Tensor, Tensor]]:
        if self.resident is not None:
            labels = self.labels.to(self.device)
            for indices in torch.from_numpy(np.stack(batches)).to(self.device) if batches else ():
                yield self.resident[indices], labels[indices]
            return
        # Read by NumPy in a thread of its own: torch's threads there would fight those that compute.
        with ThreadPoolExecutor(1) as reader:
            ahead: deque[Future[tuple[Tensor, Tensor]]] = deque()
            for batch in batches:
                ahead.append(reader.submit(self._fetch, batch))
                if len(ahead) > _AHEAD:
                    yield self._send(ahead.popleft())
            while ahead:
                yield self._send(ahead.popleft())

    def _fetch(self, batch: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        pixels, labels = self.store.read(batch), self.labels[torch.from_numpy(batch)]
        if self.device.type == "cuda":  # pinned memory is copied while the GPU computes
            return pixels.pin_memory(), labels.pin_memory()
        return pixels, labels

    def _send(self, read: Future[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        pixels, labels = read.result()
        return pixels.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)


def _on_device(store: ImageStore, device: torch.device) -> Tensor | None:
    """All pixels on the device, where it has room for them; None where batches must be sent or decoded one by one."""
    if store.pixels is None or device.type == "cpu":
        return store.pixels
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return store.pixels.to(device) if store.pixels.nbytes < _GPU_SHARE * free else None


def _seed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]) >> 1
