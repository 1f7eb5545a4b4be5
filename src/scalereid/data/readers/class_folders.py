"""Images in one folder per class, in folders or in a zip file, as ImageNet's are."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from scalereid.data.packed import ZIP, zipped_files
from scalereid.data.readers.folders import NotHereError, is_image, list_folders, list_images
from scalereid.data.records import ImageRecord, ReidDataset
from scalereid.wording import counted

TRAIN, TEST = ("train", "training"), ("test", "val", "valid", "validation")
Classes = dict[str, list[Path]]
"""The images of each class."""


def read_class_folders(root: Path) -> ReidDataset:
    """One folder per class: train/CAT/x.jpg, test/CAT/y.jpg; or a zip file of the same.

    `root` contains the folders `train`, and `test` or `val`; or is a zip file that contains them, or a folder with one such
    file. Where both have images of classes, those of `val` are left out. Classes are numbered from 0 in the order of their
    names.

    Raises:
        FileNotFoundError: There are no such folders.
        ValueError: The zip file is damaged, or a class has no images to train on.
    """
    return class_dataset(root.absolute().stem if root.is_file() else root.absolute().name, root)


def class_dataset(name: str, root: Path) -> ReidDataset:
    """A dataset of one folder per class; for `root` and errors see `read_class_folders`."""
    left_out: Counter[str] = Counter()
    base = _zip_in(root)
    splits = _in_zip(base, left_out) if base else _in_folders(root, left_out)
    return with_classes(name, base or root, *splits, left_out=left_out)


def with_classes(
    name: str, root: Path, train: Classes, test: Classes, *, left_out: Counter[str] | None = None
) -> ReidDataset:
    """A dataset of the images of each class, which are numbered in the order of their names.

    Raises:
        ValueError: A class has no images to train on.
    """
    classes = tuple(sorted(one for one, images in train.items() if images))
    if unknown := sorted(one for one, images in test.items() if images and one not in classes):
        raise ValueError(
            f"{root} has test images of {unknown[0]}, but no training images; add some, or take those away"
        )
    if len(classes) < 2:
        raise ValueError(
            f"{root} has training images of {counted(len(classes), 'class', 'classes')}; expected two or more"
        )
    number = {one: i for i, one in enumerate(classes)}
    sides = (
        tuple(ImageRecord(path, number[one], 1) for one in sorted(images) for path in images[one])
        for images in (train, test)
    )
    records, tested = sides
    return ReidDataset(
        name, root, records, (), tested, protocol="all-cameras", left_out=left_out or {}, classes=classes
    )


def check_class_counts(dataset: ReidDataset, classes: int, train: int, test: int) -> ReidDataset:
    """Return `dataset` if it has these numbers of classes and images.

    Raises:
        ValueError: It has not.
    """
    found = (len(dataset.classes), len(dataset.train), len(dataset.gallery))
    if found != (classes, train, test):
        words = "{:,} classes, {:,} training and {:,} test images"
        raise ValueError(
            f"{dataset.name} in {dataset.root}: found {words.format(*found)}, but the dataset has "
            f"{words.format(classes, train, test)}. Unpack it again, or read your copy as class-folders"
        )
    return dataset


def _zip_in(root: Path) -> Path | None:
    """The zip file to read: `root`, or the only one in it where there is no folder to train on."""
    if root.suffix == ZIP and root.is_file():
        return root
    if not root.is_dir() or any((root / name).is_dir() for name in TRAIN):
        return None
    found = sorted(root.glob(f"*{ZIP}"))
    return found[0] if len(found) == 1 else None


def _in_zip(file: Path, left_out: Counter[str]) -> tuple[Classes, Classes]:
    splits = defaultdict[str, Classes](lambda: defaultdict(list))
    for name in zipped_files(file).names():
        split, one, image = ("", "", "", *PurePosixPath(name).parts)[-3:]
        if split not in (*TRAIN, *TEST) or one.startswith(".") or not is_image(image):
            left_out[f"files in {file.name} that are not images of a class"] += 1
            continue
        splits[split][one].append(file / name)
    train, test = _first(TRAIN, splits, left_out), _first(TEST, splits, left_out)
    if not train:
        raise NotHereError(f"{file} contains no images of classes; expected names like train/CLASS/1.jpg")
    return train, test


def _in_folders(root: Path, left_out: Counter[str]) -> tuple[Classes, Classes]:
    folders = [root / name for name in (*TRAIN, *TEST) if (root / name).is_dir()]
    splits = {folder.name: {one.name: list_images(one, left_out) for one in list_folders(folder)} for folder in folders}
    train, test = _first(TRAIN, splits, left_out), _first(TEST, splits, left_out)
    if not train:
        raise NotHereError(
            f"no images of classes in {root}; expected one folder per class in {root / 'train'} and {root / 'test'} or "
            f"{root / 'val'}, or one zip file with them"
        )
    return train, test


def _first(names: Sequence[str], splits: Mapping[str, Classes], left_out: Counter[str]) -> Classes:
    """The first split of these names that has images of classes, as ImageNet's `test` has none; the others are left out."""
    there = {name: splits[name] for name in names if name in splits and any(splits[name].values())}
    first, *others = there or [""]
    for name in others:
        left_out[f"images in {name}, as {first} is there"] += sum(map(len, there[name].values()))
    return there.get(first, {})
