"""Unpacking CUHK03's one large MATLAB file into images."""

import csv
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scalereid.data.images import Advance
from scalereid.data.readers.cuhk03 import CUHK03_CLASSIC_SPLITS, TEST_SETS
from scalereid.data.readers.folders import find_folder
from scalereid.data.readers.matlab import open_hdf5

CUHK03_FILE = "cuhk-03.mat"
IMAGES = 28_192  # 14,096 labelled and so many detected, one of them more: for a progress bar
_FIRST_VIEW = 5  # of a person's ten images the first five are the first camera's


def unpack_cuhk03(root: Path, advance: Advance = lambda _: None) -> Path:
    """Write the images of CUHK03's `cuhk-03.mat` as PNG files, and its 20 classic test sets as a table; returns their folder.

    `root` is the folder with that file, or one or two above it. Beside it, or beside the folder `cuhk03_release` that it
    lies in, are made `images_detected`, `images_labeled` (PAIR_PERSON_VIEW_NUMBER.png, as the new protocol's lists name them)
    and `classic_test_sets.csv`. A folder is there with all its images or not at all; one that is there is left as it is.

    Raises:
        FileNotFoundError: there is no such file; the message says where it was looked for.
        ModuleNotFoundError: h5py is not installed; the message says how to install it.
        ValueError: the file is damaged, or another one.
    """
    names = ("cuhk03_release", "cuhk03/cuhk03_release", "cuhk03", "CUHK03")
    found = find_folder(root, "CUHK03 to unpack", names, (CUHK03_FILE,)).resolve()
    base = found.parent if found.name == "cuhk03_release" else found
    with open_hdf5(found / CUHK03_FILE) as file:
        try:
            for boxes in ("detected", "labeled"):
                _unpack_images(file, boxes, base / f"images_{boxes}", advance)
            _write_test_sets(file, base / TEST_SETS)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{found / CUHK03_FILE} is not CUHK03 as its authors packed it: {error}") from error
    return base


def _unpack_images(file: Any, boxes: str, folder: Path, advance: Advance) -> None:
    if folder.is_dir():
        return
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    partial.mkdir()
    try:
        for pair, people_of in enumerate(file[boxes][0], start=1):
            people = file[people_of][:].T  # (people, 10) references to images
            for person, images in enumerate(people, start=1):
                for number, reference in enumerate(images, start=1):
                    pixels = file[reference][:].T  # MATLAB keeps columns together
                    if pixels.ndim == 3:  # an empty cell has none
                        view = 1 if number <= _FIRST_VIEW else 2
                        image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.uint8))
                        image.save(partial / f"{pair}_{person:03d}_{view}_{number:02d}.png")
                        advance(1)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_test_sets(file: Any, table: Path) -> None:
    test_sets = file["testsets"][0]
    if len(test_sets) != CUHK03_CLASSIC_SPLITS:
        raise ValueError(f"it has {len(test_sets)} test sets, not {CUHK03_CLASSIC_SPLITS}")
    with table.open("w", newline="", encoding="utf-8") as lines:
        rows = csv.writer(lines)
        rows.writerow(("split", "pair", "person"))
        for split, reference in enumerate(test_sets, start=1):
            rows.writerows((split, int(pair), int(person)) for pair, person in file[reference][:].T)
