"""A dataset by its name: readers, splits, folders and combinations."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Literal

from scalereid.data import DATASETS
from scalereid.data.combined import combine
from scalereid.data.names import DatasetName, named_datasets
from scalereid.data.protocols import Protocol
from scalereid.data.readers import SPLITS
from scalereid.data.records import ReidDataset
from scalereid.lookup import find, own_error, own_file


def read_dataset(name: str, root: Path) -> ReidDataset:
    """Read the dataset `name` from the folder `root`.

    `NAME@FOLDER` lies in a folder within `root`; `NAME#2` is the second of several splits; `A+B` combines datasets for
    training.

    Raises:
        FileNotFoundError: The dataset, or a part of it, is not in the folder.
        ValueError: The reader does not exist or cannot read the files, or the dataset has several splits and `name` chooses
            none of them.
    """
    datasets = [_read_one(part, root / part.folder if part.folder else root) for part in named_datasets(name)]
    return datasets[0] if len(datasets) == 1 else combine(datasets)


def _read_one(name: DatasetName, root: Path) -> ReidDataset:
    read = find(name.reader, DATASETS)
    split = signature(read).parameters.get("split")
    if split is None:
        if name.split is not None:
            raise ValueError(f"{name.reader} has one split only; leave #{name.split} out")
        try:
            return _call(name.reader, partial(read, root))
        except FileNotFoundError as error:
            if name.reader == "csv" or not (root / "dataset.csv").is_file():
                raise
            raise FileNotFoundError(f"{error}\n{root} contains dataset.csv; to read it, name the dataset csv") from None
    if name.split is None and split.default is not None:
        last = f" to {name.reader}#{SPLITS[name.reader]}" if name.reader in SPLITS else " and so on"
        raise ValueError(
            f"{name.reader} has several splits; name one of {name.reader}#1{last}, or train and evaluate on each of them and "
            "average the scores"
        )
    return _call(name.reader, partial(read, root, split=name.split))


def _call(name: str, read: Callable[[], object]) -> ReidDataset:
    """What a reader returns.

    Raises:
        ValueError: It is a reader of someone's own, and fails or returns something else than a dataset.
    """
    try:
        dataset = read()
    except (ValueError, OSError, ModuleNotFoundError):
        raise
    except Exception as error:
        if file := own_file(name):
            raise own_error(file, error) from error
        raise
    if not isinstance(dataset, ReidDataset):
        raise ValueError(f"{name} returns {type(dataset).__name__}; expected a ReidDataset")
    return dataset


def with_protocol(dataset: ReidDataset, protocol: Literal["dataset", Protocol]) -> ReidDataset:
    """Return `dataset` with another protocol for its scores; `dataset` means its own."""
    return dataset if protocol == "dataset" else replace(dataset, protocol=protocol)
