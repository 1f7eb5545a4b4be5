"""Toy people: a dataset that is drawn, not downloaded."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scalereid.data.readers.folders import NotHereError
from scalereid.data.readers.table import read_csv, write_csv
from scalereid.data.records import ImageRecord, ReidDataset
from scalereid.data.toy.camera import CAMERAS, SHIFTED_CAMERAS, Camera, photograph
from scalereid.data.toy.people import Person, draw_people
from scalereid.files import require_free, write_folder

_SHOTS = 3  # images per person and camera; the first one of a test person is a query


class _Set(NamedTuple):
    folder: str  # its number changes with the images
    train_people: int
    test_people: int
    cameras: Sequence[Camera]
    seed: int


TOY_SETS = {
    "toy": _Set("toy-1", 100, 40, CAMERAS, 0),
    "toy-shifted": _Set("toy-shifted-1", 0, 40, SHIFTED_CAMERAS, 1),
}


def read_toy(root: Path) -> ReidDataset:
    """People drawn by scalereid itself, to try things out: 100 for training, 40 others for testing, 4 cameras.

    Each person has 3 images of 256×128 from each camera. They are always the same, as far as the installed Pillow draws the
    same.

    Raises:
        FileNotFoundError: The toy people have not been drawn into `root` yet.
    """
    return _read("toy", root)


def read_toy_shifted(root: Path) -> ReidDataset:
    """40 drawn people in another domain: other light, colours, blur and backgrounds; for testing only.

    They test how a model trained on `toy` generalises; no person of `toy` is among them.

    Raises:
        FileNotFoundError: The toy people have not been drawn into `root` yet.
    """
    return _read("toy-shifted", root)


def _read(name: str, root: Path) -> ReidDataset:
    folder = root / TOY_SETS[name].folder
    if not folder.is_dir():
        setting = "data.dataset" if name == "toy" else "evaluation.dataset"
        raise NotHereError(f"{folder} does not exist; it is drawn when a model is trained with {setting}={name}")
    return replace(read_csv(folder), name=name)


def draw_toy_once(root: Path, name: str = "toy") -> bool:
    """Draw the people of the toy dataset `name` into `root` unless they are there; returns whether they were drawn.

    Raises:
        OSError: `root` is not writable.
    """
    chosen = TOY_SETS[name]
    folder = root / chosen.folder
    if folder.is_dir():
        return False

    require_free(folder)
    people = {"train_people": chosen.train_people, "test_people": chosen.test_people}
    write_folder(folder, lambda partial: draw_toy(partial, **people, cameras=chosen.cameras, seed=chosen.seed))
    return True


def toy_people(name: str) -> list[Person]:
    """The people of the toy dataset `name`, in the order of their pids, from 1 on."""
    chosen = TOY_SETS[name]
    return _people(chosen.train_people, chosen.test_people, np.random.default_rng(chosen.seed))


def _people(train_people: int, test_people: int, rng: np.random.Generator) -> list[Person]:
    return draw_people(train_people, rng) + draw_people(test_people, rng)


def draw_toy(
    folder: Path, *, train_people: int, test_people: int, cameras: Sequence[Camera] = CAMERAS, seed: int = 0
) -> ReidDataset:
    """Draw toy people, as `cameras` see them, into a new folder, with a `dataset.csv` beside the images.

    Raises:
        FileExistsError: The folder exists.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    people = _people(train_people, test_people, rng)
    splits: dict[str, list[ImageRecord]] = {"train": [], "query": [], "gallery": []}
    for pid, person in enumerate(people, start=1):
        for camid, camera in enumerate(cameras, start=1):
            for shot in range(_SHOTS):
                split = "train" if pid <= train_people else "gallery" if shot else "query"
                path = folder / f"{pid:04d}_c{camid}_{shot}.jpg"
                photograph(person, camera, rng).save(path, quality=92)
                splits[split].append(ImageRecord(path, pid, camid))
    train, query, gallery = (tuple(records) for records in splits.values())
    dataset = ReidDataset("toy", folder, train, query, gallery)
    write_csv(folder / "dataset.csv", dataset)
    return dataset
