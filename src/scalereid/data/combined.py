"""Several datasets as one to train on."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scalereid.data.records import ImageRecord, ReidDataset


def combine(datasets: Sequence[ReidDataset]) -> ReidDataset:
    """Concatenate the training images of all `datasets`, in their order; the result has no query or gallery images.

    People and cameras of different datasets stay distinct: each dataset's pids and camids follow those of the one before.

    Raises:
        ValueError: A dataset has no training images, or is named twice, or shares a training image with another.
    """
    names = [dataset.name for dataset in datasets]
    for dataset in datasets:
        if not dataset.train:
            raise ValueError(f"{dataset.name} in {dataset.root} has no training images")
        if dataset.classes:
            raise ValueError(f"{dataset.name} has classes, not people, and cannot be combined; name it alone")
        if datasets.count(dataset) > 1:
            raise ValueError(f"{dataset.name} is named twice in {'+'.join(names)}")
    _refuse_shared(datasets)
    train: list[ImageRecord] = []
    for dataset in datasets:
        pid = 1 + max((record.pid for record in train), default=0) - min(record.pid for record in dataset.train)
        camid = 1 + max((record.camid for record in train), default=0) - min(record.camid for record in dataset.train)
        train += [replace(record, pid=record.pid + pid, camid=record.camid + camid) for record in dataset.train]
    root = Path(os.path.commonpath([dataset.root.absolute() for dataset in datasets]))
    left_out: Counter[str] = Counter()
    for dataset in datasets:
        left_out.update({f"{why} of {dataset.name}": number for why, number in dataset.left_out.items()})
    return ReidDataset("+".join(names), root, tuple(train), (), (), left_out=left_out)


def _refuse_shared(datasets: Sequence[ReidDataset]) -> None:
    """Raise an error if an image would be learned as two people, one in each dataset."""
    owner: dict[str, ReidDataset] = {}
    for dataset in datasets:
        for record in dataset.train:
            other = owner.setdefault(os.path.abspath(record.path), dataset)  # noqa: PTH100 - normalised
            if other is not dataset:
                raise ValueError(
                    f"{record.path} is a training image of both {other.name} and {dataset.name}, and would be learned as two "
                    "people; combine datasets without common images"
                )
