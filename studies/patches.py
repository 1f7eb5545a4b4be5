"""Patches from a pool or from the batch, against erasing: people never seen, from scratch, thirty epochs.

    scalereid study studies/patches.py --data FOLDER --out runs/patches

FOLDER holds Market-1501's training images. torchreid pastes patches of up to 50,000 earlier images, scalereid patches of the
same batch, so that a batch is a function of its own seed. `from_pool` is the former.
"""

import torch
from torch import Generator, Tensor

from scalereid import Row, Study
from scalereid.data.augmentation import random_patch

POOL, LEAST, DONORS = (
    50_000,
    100,
    7,
)  # images in the pool; in it before anything is pasted; drawn for each image of a batch
SHORT = {"schedule.epochs": 30, "data.erase": 0.0, "optimizer.precision": "float32"}

_pool: list[Tensor] = []


def from_pool(images: Tensor, generator: Generator, probability: float) -> Tensor:
    """Paste patches of earlier images; one in eight may be of the same batch."""
    _pool.extend(images.half().cpu())
    del _pool[:-POOL]
    if len(_pool) < LEAST:
        return images
    drawn = torch.randint(len(_pool), (DONORS * len(images),), generator=generator, device=images.device).tolist()
    donors = torch.stack([_pool[i] for i in drawn]).to(images)
    return random_patch(torch.cat([images, donors]), generator, probability)[: len(images)]


STUDY = Study(
    rows={
        "erasing": Row("osnet_x0_25_market1501_dev", {**SHORT, "data.erase": 0.5}),
        "patches of the batch": Row("osnet_x0_25_market1501_dev", {**SHORT, "data.patch": 0.5}),
        "patches of a pool": Row(
            "osnet_x0_25_market1501_dev",
            {**SHORT, "data.augmentation": "studies/patches.py:from_pool", "data.augmentation_probability": 0.5},
        ),
    },
    seeds=(0, 1, 2),
)
