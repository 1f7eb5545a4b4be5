"""Image files to embed, named by a folder, a pattern or a table."""

import glob
import os
from pathlib import Path
from typing import NamedTuple

from scalereid.data.readers.folders import IMAGE_SUFFIXES
from scalereid.data.readers.table import read_listed

_TABLES = (".csv", ".jsonl")


class Item(NamedTuple):
    """An image file, the person it shows and the camera that took it, −1 where that is not known."""

    path: str
    pid: int = -1
    camid: int = -1


def names_several(source: str | os.PathLike[str]) -> bool:
    """Whether a name is of a folder, a pattern or a table rather than of one image file."""
    path = Path(source)
    if path.is_file():
        return path.suffix in _TABLES
    return path.is_dir() or any(character in str(source) for character in "*?[")


def find_items(source: str | os.PathLike[str]) -> list[Item]:
    """The images in a folder and all folders below it, of a pattern such as 'crops/*.jpg', or in a .csv or .jsonl table.

    Sorted by path, or in the table's order. Hidden files in a folder are skipped: macOS writes one beside every image.

    Raises:
        FileNotFoundError: There is nothing of that name, or no image in it.
        ValueError: A table cannot be read.
    """
    path = Path(source)
    if path.suffix in _TABLES and path.is_file():
        items = [Item(*row) for row in read_listed(path)]
    elif path.is_dir():
        names = ((folder, name) for folder, _, files in os.walk(path, onerror=_refuse) for name in files)
        images = (os.path.join(*at) for at in names if at[1].lower().endswith(IMAGE_SUFFIXES) and at[1][0] != ".")  # noqa: PTH118
        items = [Item(file) for file in sorted(images)]
    else:
        found = sorted(glob.glob(str(source), recursive=True))  # noqa: PTH207 - takes any pattern
        items = [Item(name) for name in found if Path(name).is_file()]
    if not items:
        raise FileNotFoundError(f"No images in {source}; name a folder, a pattern in quotes, or a table (.csv, .jsonl)")
    return items


def _refuse(error: OSError) -> None:
    raise error
