"""Toy people: a dataset that is drawn, not downloaded."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scalereid.data.readers.folders import NotHereError
from scalereid.data.readers.table import read_csv, write_csv
from scalereid.data.records import ImageRecord, ReidDataset
from scalereid.data.toy.camera import CAMERAS, SHIFTED_CAMERAS, Camera, photograph
from scalereid.data.toy.people import draw_people

_SHOTS = 3  # pictures a person and camera; the first of a test person's is a query


class _Set(NamedTuple):
    folder: str  # the number changes with the pictures
    train_people: int
    test_people: int
    cameras: Sequence[Camera]
    seed: int


TOY_SETS = {
    "toy": _Set("toy-1", 100, 40, CAMERAS, 0),
    "toy-shifted": _Set("toy-shifted-1", 0, 40, SHIFTED_CAMERAS, 1),
}


def read_toy(root: Path) -> ReidDataset:
    """People drawn by this program, for trying things out: 100 to train on, 40 others to find, 4 cameras.

    3 pictures of 256×128 of each person from each camera, always the same (as far as the installed Pillow draws the same).

    Raises:
        FileNotFoundError: they have not been drawn into `root` yet.
    """
    return _read("toy", root)


def read_toy_shifted(root: Path) -> ReidDataset:
    """40 drawn people of another place: other light, colours, blur and backgrounds; for testing only.

    What `toy` looks like to a model that has never been there: nobody of `toy` is among them.

    Raises:
        FileNotFoundError: they have not been drawn into `root` yet.
    """
    return _read("toy-shifted", root)


def _read(name: str, root: Path) -> ReidDataset:
    folder = root / TOY_SETS[name].folder
    if not folder.is_dir():
        how = "`scalereid demo` and `scalereid train toy` draw them"
        if name != "toy":
            how = f"`scalereid train toy --evaluation.dataset {name}` draws them"
        raise NotHereError(f"there are no {name} people in {root}; {how}")
    return replace(read_csv(folder), name=name)


def draw_toy_once(root: Path, name: str = "toy") -> bool:
    """Draw the toy people of that dataset into `root` unless they are there already; says whether that was needed.

    Raises:
        OSError: `root` cannot be written to.
    """
    wanted = TOY_SETS[name]
    folder = root / wanted.folder
    if folder.is_dir():
        return False
    partial = root / f".{folder.name}.partial-{os.getpid()}"
    try:
        draw_toy(
            partial,
            train_people=wanted.train_people,
            test_people=wanted.test_people,
            cameras=wanted.cameras,
            seed=wanted.seed,
        )
        partial.rename(folder)  # whole or not at all
    except OSError:
        if not folder.is_dir():  # another process was faster, which is fine
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return True


def draw_toy(
    folder: Path, *, train_people: int, test_people: int, cameras: Sequence[Camera] = CAMERAS, seed: int = 0
) -> ReidDataset:
    """Draw so many toy people, as these cameras see them, into a new folder, with a `dataset.csv` beside the pictures.

    Raises:
        FileExistsError: the folder exists.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    people = draw_people(train_people, rng) + draw_people(test_people, rng)
    splits: dict[str, list[ImageRecord]] = {"train": [], "query": [], "gallery": []}
    for pid, person in enumerate(people, start=1):
        training = pid <= train_people
        for camid, camera in enumerate(cameras, start=1):
            for shot in range(_SHOTS):
                split = "train" if training else "gallery" if shot else "query"
                path = folder / f"{pid:04d}_c{camid}_{shot}.jpg"
                photograph(person, camera, rng).save(path, quality=92)
                splits[split].append(ImageRecord(path, pid, camid))
    train, query, gallery = (tuple(splits[split]) for split in ("train", "query", "gallery"))
    dataset = ReidDataset("toy", folder, train, query, gallery)
    write_csv(folder / "dataset.csv", dataset)
    return dataset
