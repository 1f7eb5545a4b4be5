"""CIFAR-10 and CIFAR-100 (Krizhevsky, 2009): 50,000 and 10,000 images of 32×32 pixels.

Of their authors' files those for C programs are read, never the pickles: reading a pickle runs what is in it.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scalereid.data.packed import SIDE
from scalereid.data.readers.class_folders import Classes, check_class_counts, class_dataset, with_classes
from scalereid.data.readers.folders import NotHereError
from scalereid.data.readers.rows import text_of
from scalereid.data.records import ReidDataset

_PIXELS = 3 * SIDE * SIDE
_COUNTS = {"train": 50_000, "test": 10_000}


class _Files(NamedTuple):
    """How the authors' files of a dataset are called, and what is in them."""

    names: str
    """The file with the names of the classes."""
    train: tuple[str, ...]
    test: tuple[str, ...]
    labels: int
    """Number of bytes before the pixels of an image, of which the last is its class."""
    classes: int


_CIFAR10 = _Files(
    "batches.meta.txt", tuple(f"data_batch_{number}.bin" for number in range(1, 6)), ("test_batch.bin",), 1, 10
)
_CIFAR100 = _Files("fine_label_names.txt", ("train.bin",), ("test.bin",), 2, 100)


def read_cifar10(root: Path) -> ReidDataset:
    """CIFAR-10, for classification: 10 classes, of images of 32×32 pixels.

    `root` is a folder with the authors' `cifar-10-batches-bin`, or that folder, or `cifar10`; or holds train/CLASS/… and
    test/CLASS/…, or one zip file with them.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: It has other counts, or is damaged.
    """
    return _read("cifar10", root, ("cifar-10-batches-bin", "cifar10", "cifar10/cifar-10-batches-bin"), _CIFAR10)


def read_cifar100(root: Path) -> ReidDataset:
    """CIFAR-100, for classification: its 100 fine classes, of images of 32×32 pixels.

    `root` is a folder with the authors' `cifar-100-binary`, or that folder, or `cifar100`; or as for CIFAR-10.

    Raises:
        FileNotFoundError, ValueError: As `read_cifar10` raises.
    """
    return _read("cifar100", root, ("cifar-100-binary", "cifar100", "cifar100/cifar-100-binary"), _CIFAR100)


def _read(name: str, root: Path, folders: Sequence[str], files: _Files) -> ReidDataset:
    places = [root, *(root / folder for folder in folders)]
    for place in places:
        if (place / files.names).is_file():
            classes = [one for one in text_of(place / files.names).splitlines() if one]
            splits = [_images([place / one for one in names], classes, files) for names in (files.train, files.test)]
            return _checked(with_classes(name, place, *splits), files)
    for place in places:
        try:
            return _checked(class_dataset(name, place), files)
        except NotHereError:
            continue
    raise NotHereError(
        f"{name} was not found in {root}; expected {folders[0]} with {files.names} and {files.train[0]} (the authors' version "
        "for C programs; pickles are not read), or train/CLASS/… and test/CLASS/…, or one zip file with them"
    )


def _checked(dataset: ReidDataset, files: _Files) -> ReidDataset:
    return check_class_counts(dataset, files.classes, _COUNTS["train"], _COUNTS["test"])


def _images(paths: Sequence[Path], classes: Sequence[str], files: _Files) -> Classes:
    """The images in some of the authors' files, each as a path that goes through its file to the position of its pixels."""
    images = defaultdict[str, list[Path]](list)
    length = files.labels + _PIXELS
    for path in paths:
        rows = np.fromfile(path, np.uint8)
        if len(rows) % length or not len(rows):
            raise ValueError(f"{path} has {len(rows):,} bytes, not a multiple of {length:,}; unpack it again")
        labels = rows.reshape(-1, length)[:, files.labels - 1]
        if labels.max() >= len(classes):
            raise ValueError(
                f"{path} has an image of class {labels.max()}, but {files.names} names {len(classes)} classes"
            )
        for i, label in enumerate(labels.tolist()):
            images[classes[label]].append(path / str(i * length + files.labels))
    return images
