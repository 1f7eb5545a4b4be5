"""CUHK03's one large MATLAB file, unpacked into images."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scalereid.data.images import Advance
from scalereid.data.readers.cuhk03 import CUHK03_CLASSIC_SPLITS, TEST_SETS
from scalereid.data.readers.folders import find_folder
from scalereid.data.readers.matlab import open_hdf5
from scalereid.files import require_writable, write, write_folder
from scalereid.locks import locked

CUHK03_FILE = "cuhk-03.mat"
IMAGES = 28_192  # 14,096 labelled and about as many detected: for a progress bar
_FIRST_VIEW = 5  # of a person's ten images the first five are the first camera's


def unpack_cuhk03(root: Path, advance: Advance = lambda _: None) -> Path:
    """Write the images of CUHK03's `cuhk-03.mat` as PNG files, and its 20 classic test sets as a table.

    `root` is the folder with that file, or one or two above it. Beside the file, or beside the folder `cuhk03_release` that
    contains it, this creates `images_detected`, `images_labeled` (PAIR_PERSON_VIEW_NUMBER.png, as in the new protocol's
    lists) and `classic_test_sets.csv`. Each folder is complete or not there; one that exists is left as it is.

    Returns:
        The folder in which these lie.

    Raises:
        OSError: The folder cannot be written, or another process is writing it.
        FileNotFoundError: The file is missing; the message says where it was looked for.
        ModuleNotFoundError: h5py is not installed; the message says how to install it.
        ValueError: The file is damaged, or not CUHK03's.
    """
    names = ("cuhk03_release", "cuhk03/cuhk03_release", "cuhk03", "CUHK03")
    found = find_folder(root, f"CUHK03's {CUHK03_FILE}", names, (CUHK03_FILE,)).resolve()
    base = found.parent if found.name == "cuhk03_release" else found
    require_writable(base / TEST_SETS)
    with locked(base / TEST_SETS), open_hdf5(found / CUHK03_FILE) as file:
        try:
            for boxes in ("detected", "labeled"):
                _unpack_images(file, file[boxes][0], base / f"images_{boxes}", advance)
            test_sets = _test_sets(file)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{found / CUHK03_FILE} is not CUHK03 as its authors packed it: {error}") from error
    write(base / TEST_SETS, lambda table: table.write_text(test_sets, encoding="utf-8"))
    return base


def _unpack_images(file: Any, pairs: Any, folder: Path, advance: Advance) -> None:
    def fill(partial: Path) -> None:
        partial.mkdir()
        for pair, people_of in enumerate(pairs, start=1):
            people = file[people_of][:].T  # (people, 10) references to images
            for person, images in enumerate(people, start=1):
                for number, reference in enumerate(images, start=1):
                    pixels = file[reference][:].T  # MATLAB stores columns contiguously
                    if pixels.ndim == 3:  # an empty cell has other dimensions
                        view = 1 if number <= _FIRST_VIEW else 2
                        image = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.uint8))
                        image.save(partial / f"{pair}_{person:03d}_{view}_{number:02d}.png")
                        advance(1)

    if not folder.is_dir():
        write_folder(folder, fill)


def _test_sets(file: Any) -> str:
    """A CSV table with split, pair and person of each test person."""
    sets = file["testsets"][0]
    if len(sets) != CUHK03_CLASSIC_SPLITS:
        raise ValueError(f"{file.filename} contains {len(sets)} test sets; CUHK03 has {CUHK03_CLASSIC_SPLITS}")
    people = ((split, *person) for split, cell in enumerate(sets, start=1) for person in file[cell][:].T)
    return "".join(["split,pair,person\n", *(f"{split},{pair:.0f},{number:.0f}\n" for split, pair, number in people)])
