"""Toy people: a dataset that is drawn, not downloaded."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from scalereid.data.records import ImageRecord, ReidDataset
from scalereid.data.table import read_csv, write_csv
from scalereid.data.toy.camera import CAMERAS, photograph
from scalereid.data.toy.people import draw_people

_FOLDER = "toy-1"  # the number changes with the pictures
_TRAIN_PEOPLE, _TEST_PEOPLE = 100, 40
_TRAIN_SHOTS, _TEST_SHOTS = 3, 3  # pictures a person and camera; the first of a test person's is a query


def read_toy(root: Path) -> ReidDataset:
    """People drawn by this program, for trying things out: 100 to train on, 40 others to find, 4 cameras.

    3 pictures of 256×128 of each person from each camera, always the same (as far as the installed Pillow draws the same).

    Raises:
        FileNotFoundError: they have not been drawn into `root` yet.
    """
    folder = root / _FOLDER
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there are no toy people in {root}; `scalereid demo` and `scalereid train toy` draw them"
        )
    return replace(read_csv(folder), name="toy")


def draw_toy_once(root: Path) -> bool:
    """Draw the toy people into `root` unless they are there already; says whether that was needed.

    Raises:
        OSError: `root` cannot be written to.
    """
    folder = root / _FOLDER
    if folder.is_dir():
        return False
    partial = root / f".{_FOLDER}.partial-{os.getpid()}"
    try:
        draw_toy(partial, train_people=_TRAIN_PEOPLE, test_people=_TEST_PEOPLE)
        partial.rename(folder)  # whole or not at all
    except OSError:
        if not folder.is_dir():  # another process was faster, which is fine
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return True


def draw_toy(folder: Path, *, train_people: int, test_people: int, seed: int = 0) -> ReidDataset:
    """Draw so many toy people into a new folder, with a `dataset.csv` beside the pictures.

    Raises:
        FileExistsError: the folder exists.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    people = draw_people(train_people, rng) + draw_people(test_people, rng)
    splits: dict[str, list[ImageRecord]] = {"train": [], "query": [], "gallery": []}
    for pid, person in enumerate(people, start=1):
        training = pid <= train_people
        for camid, camera in enumerate(CAMERAS, start=1):
            for shot in range(_TRAIN_SHOTS if training else _TEST_SHOTS):
                split = "train" if training else "gallery" if shot else "query"
                path = folder / f"{pid:04d}_c{camid}_{shot}.jpg"
                photograph(person, camera, rng).save(path, quality=92)
                splits[split].append(ImageRecord(path, pid, camid))
    train, query, gallery = (tuple(splits[split]) for split in ("train", "query", "gallery"))
    dataset = ReidDataset("toy", folder, train, query, gallery)
    write_csv(folder / "dataset.csv", dataset)
    return dataset
