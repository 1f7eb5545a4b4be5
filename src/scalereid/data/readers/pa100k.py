"""PA-100K: images of pedestrians with attributes, and without anybody who is seen twice as far as is known."""

import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.data.readers.folders import NotHereError, list_images
from scalereid.data.readers.matlab import load_mat
from scalereid.data.records import ImageRecord, ReidDataset

SPLITS = ("train", "val", "test")
_PLACES = ("", "PA-100K", "PA100K", "pa100k", "pa-100k")
_ANNOTATIONS = ("annotation.mat", "annotation/annotation.mat", "PA100K_annotation.mat")
_IMAGES = ("release_data", "release_data/release_data", "data", "images")
_NAME = re.compile(r"\d{6}\.jpg")
_COUNTS = {"train": 80_000, "val": 10_000, "test": 10_000}


class PA100KFolder(NamedTuple):
    """Where the parts of the dataset are."""

    annotation: Path
    images: Path


class Annotation(NamedTuple):
    """What the authors say of the images."""

    attributes: list[str]
    """Names of the attributes."""
    images: dict[str, list[str]]
    """Names of the files of each split."""
    labels: dict[str, NDArray[np.int8]]
    """(images, attributes) of each split."""


def read_pa100k(root: Path) -> ReidDataset:
    """PA-100K (Liu et al., ICCV 2017), for attributes alone: 80,000 images to train on, and 10,000 test images.

    Nobody knows which of its images show the same person, so each has a pid of its own, the number of its file, and camera 1.
    The test images are the gallery, and there are no queries. `root` is the folder with `annotation.mat` and the images in
    `release_data`, or one above it.

    Raises:
        FileNotFoundError: The annotation, or an image that it lists, is not there.
        ModuleNotFoundError: SciPy is not installed; the message says how to install it.
        ValueError: The annotation is damaged, or has other counts.
    """
    return _read("pa100k", root, "test")


def read_pa100k_validation(root: Path) -> ReidDataset:
    """The same with the 10,000 validation images in place of the test images, for development."""
    return _read("pa100k-validation", root, "val")


def find_pa100k(root: Path) -> PA100KFolder:
    """Where the annotation and the images are: in `root`, or in a folder of the dataset's name within it.

    Raises:
        FileNotFoundError: They are not there.
    """
    for base in (root / place for place in _PLACES):
        for annotation in (base / name for name in _ANNOTATIONS):
            for images in (base / name for name in _IMAGES):
                if annotation.is_file() and images.is_dir():
                    return PA100KFolder(annotation, images)
    raise NotHereError(
        f"PA-100K was not found in {root}; expected annotation.mat and the folder release_data, there or in PA-100K"
    )


def load_annotation(file: Path) -> Annotation:
    """What the annotation says.

    Raises:
        ModuleNotFoundError: SciPy is not installed.
        ValueError: It is damaged, or something else.
    """
    variables = load_mat(file)
    expected = {"attributes", *(f"{split}_{part}" for split in SPLITS for part in ("images_name", "label"))}
    if missing := sorted(expected - variables.keys()):
        raise ValueError(f"{file} is not PA-100K's annotation: it has no {missing[0]}")
    try:
        return Annotation(
            _texts(variables["attributes"]),
            {split: _texts(variables[f"{split}_images_name"]) for split in SPLITS},
            {split: np.asarray(variables[f"{split}_label"], np.int8) for split in SPLITS},
        )
    except (IndexError, TypeError, ValueError) as error:
        raise ValueError(f"{file} is not PA-100K's annotation as its authors wrote it") from error


def _texts(cells: NDArray[Any]) -> list[str]:
    """The texts in a column of cells."""
    return [str(one[0][0]) for one in cells]


def image_number(name: str) -> int:
    """The number in the name of an image, 000001.jpg.

    Raises:
        ValueError: It is not such a name.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a PA-100K file name, which looks like 000001.jpg")
    return int(name[:6])


def _read(name: str, root: Path, tested: str) -> ReidDataset:
    folder = find_pa100k(root)
    splits, left_out = load_annotation(folder.annotation).images, Counter[str]()
    there = {path.name for path in list_images(folder.images, left_out)}
    for split, names in splits.items():
        if len(names) != _COUNTS[split]:
            raise ValueError(f"{folder.annotation} lists {len(names):,} {split} images, not {_COUNTS[split]:,}")
        if gone := [one for one in names if one not in there]:
            raise FileNotFoundError(
                f"{folder.images / gone[0]} does not exist, as {len(gone):,} of the {len(names):,} {split} images; unpack "
                "the dataset again"
            )
    train, test = (
        tuple(ImageRecord(folder.images / one, image_number(one), 1) for one in splits[split])
        for split in ("train", tested)
    )
    other = "val" if tested == "test" else "test"
    left_out[f"images of the {'validation' if other == 'val' else other} split"] = len(splits[other])
    return ReidDataset(name, folder.annotation.parent, train, (), test, left_out=left_out)
