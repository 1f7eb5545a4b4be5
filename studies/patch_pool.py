"""Patches from a pool of earlier images, an augmentation for `studies/what_pays.py`.

torchreid pastes patches of up to 50,000 earlier images, scalereid patches of the same batch, so that a batch is a function of
its own seed. `from_pool` is the former. The pool is of one process: it is empty again when a run is resumed.
"""

import torch
from torch import Generator, Tensor

from scalereid.data.augmentation import random_patch

POOL = 50_000  # images
LEAST = 100  # before anything is pasted
DONORS = 3  # drawn from the pool for each image of a batch

_pool: list[Tensor] = []


def from_pool(images: Tensor, generator: Generator, probability: float) -> Tensor:
    """Paste patches of earlier images; one in four may be of the same batch."""
    _pool.extend(images.half().cpu())
    del _pool[:-POOL]
    if len(_pool) < LEAST:
        return images
    drawn = torch.randint(len(_pool), (DONORS * len(images),), generator=generator, device=images.device).tolist()
    donors = torch.stack([_pool[i] for i in drawn]).to(images)
    return random_patch(torch.cat([images, donors]), generator, probability)[: len(images)]
