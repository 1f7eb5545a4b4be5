"""Score embeddings that were never trained: every 16th pixel value of an image.

    python examples/raw_pixels.py market1501-dev FOLDER

Shows how any embeddings are scored, and how much a dataset's colours and backgrounds reveal.
"""

import sys
from pathlib import Path

import numpy as np
import torch

import scalereid
from scalereid.data.augmentation import normalise
from scalereid.data.images import ImageStore
from scalereid.data.records import ImageRecord


def embed(records: tuple[ImageRecord, ...]) -> torch.Tensor:
    """Images (n) to rows (n, 6144) of normalised pixel values."""
    store = ImageStore([record.path for record in records], (256, 128))
    batches = np.array_split(np.arange(len(store)), len(store) // 64 + 1)
    return torch.cat([normalise(torch.from_numpy(store.read(batch))).flatten(1)[:, ::16] for batch in batches])


def main(dataset_name: str, root: str) -> None:
    """Print mAP and rank-1 for both distances."""
    dataset = scalereid.DATASETS[dataset_name](Path(root))
    query, gallery = embed(dataset.query), embed(dataset.gallery)
    for distance in ("euclidean", "cosine"):
        scores = scalereid.score(query, gallery, **dataset.people_and_cameras(), distance=distance)
        print(f"{distance}: mAP {scores.mAP:.2%}, rank-1 {scores.rank(1):.2%}, rank-5 {scores.rank(5):.2%}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/raw_pixels.py DATASET FOLDER")
    main(*sys.argv[1:])
