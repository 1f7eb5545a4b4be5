"""Training batches: a new choice and new augmentation every epoch, both fixed by seed, epoch and position alone."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from scalereid.data.augmentation import normalise
from scalereid.data.crops import RandomCrops
from scalereid.data.images import ImageStore, Threads
from scalereid.data.sampling import Batch, Sampler
from scalereid.distributed import own_rows

Augment = Callable[[Tensor, Generator], Tensor]
_AHEAD = 2  # batches read while one is used
_GPU_SHARE = 0.3  # of a GPU's free memory that pixels may take; the rest is for the network


class TrainingBatches:
    """Batches of augmented images (b, 3, h, w) and labels (b,), on the device that trains.

    With `attributes` (n, a) of the images, labels are (b, 1 + a): the person first, then the attributes.

    Batch i of an epoch depends on nothing but (seed, epoch, i), so training can stop and go on anywhere. On a GPU with room for
    them the pixels lie there as uint8 and nothing is copied any more; otherwise the next batches are read and sent while one is
    trained on.

    With several processes each has its own rows of the same batches. It augments all rows, so that no image is augmented
    otherwise than by one process: what is drawn, and which image a patch comes from, concerns the whole batch. Random crops
    are the exception: each process decodes its own rows, and the others stay black.

    Raises:
        ValueError: There are not as many images as the sampler has labels.
    """

    def __init__(
        self,
        store: ImageStore | RandomCrops,
        *,
        sampler: Sampler,
        device: torch.device,
        augment: Augment,
        attributes: NDArray[np.int8] | None = None,
    ) -> None:
        if len(store) != len(sampler.labels):
            labels = len(sampler.labels)
            raise ValueError(f"{len(store)} images do not fit {labels} labels; give the sampler one per image")
        self.store, self.sampler, self.device, self.augment = store, sampler, device, augment
        labelled = sampler.labels if attributes is None else np.column_stack([sampler.labels, attributes])
        self.labels = torch.from_numpy(labelled).to(device)
        self.resident = _on_gpu(store, device)
        self.generator = Generator(device)

    def steps(self, epoch: int) -> int:
        """Number of batches in an epoch."""
        return self.sampler.steps(epoch)

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of one epoch, from number `start` on."""
        batches = self.sampler.batches(epoch)[start:]
        sequences = [
            np.random.SeedSequence((self.sampler.seed, epoch, i)) for i in range(1 + start, 1 + start + len(batches))
        ]
        seeds = [int(one.generate_state(1, np.uint64)[0]) >> 1 for one in sequences]
        for batch, seed, pixels in zip(batches, seeds, self._pixels(batches, seeds), strict=True):
            self.generator.manual_seed(seed)
            labels = self.labels[torch.from_numpy(batch).to(self.device)]
            rows = own_rows()
            yield self.augment(normalise(pixels), self.generator)[rows], labels[rows]

    def _pixels(self, batches: list[Batch], seeds: list[int]) -> Iterator[Tensor]:
        if self.resident is None:
            yield from _read_ahead(self.store, zip(batches, seeds, strict=True), self.device)
        else:
            for batch in batches:
                yield self.resident[torch.from_numpy(batch).to(self.device)]


def _on_gpu(store: ImageStore | RandomCrops, device: torch.device) -> Tensor | None:
    """All pixels on a GPU with room for them; None where batches are sent one by one."""
    if store.pixels is None or device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return torch.from_numpy(store.pixels).to(device) if store.pixels.nbytes < _GPU_SHARE * free else None


def _read_ahead(
    store: ImageStore | RandomCrops, batches: Iterable[tuple[Batch, int]], device: torch.device
) -> Iterator[Tensor]:
    """Pixels of each batch of indices, uint8 (b, height, width, 3) on `device`, read while the batch before is used.

    Each batch comes with the seed of its random crops.
    """
    if store.pixels is not None and device.type == "cpu":
        yield from (
            torch.from_numpy(store.read(*batch)) for batch in batches
        )  # in memory: a thread would cost more than it saves
        return

    def fetch(batch: tuple[Batch, int]) -> Tensor:
        pixels = torch.from_numpy(store.read(*batch))
        return pixels.pin_memory() if device.type == "cuda" else pixels  # to be copied while the GPU computes

    # Read by NumPy in a thread of its own: torch's threads there would fight those that compute.
    with Threads(1) as reader:
        ahead: deque[Future[Tensor]] = deque()
        for batch in batches:
            ahead.append(reader.submit(fetch, batch))
            if len(ahead) > _AHEAD:
                yield ahead.popleft().result().to(device, non_blocking=True)
        while ahead:
            yield ahead.popleft().result().to(device, non_blocking=True)
