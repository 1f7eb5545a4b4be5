"""Image files to embed, named by a folder, a pattern or a table."""

import glob
import os
from pathlib import Path
from typing import NamedTuple

from scalereid.data.readers.folders import IMAGE_SUFFIXES
from scalereid.data.readers.paths import FoldersOf, read_paths
from scalereid.data.readers.table import read_listed

_TABLES = (".csv", ".jsonl")


class Item(NamedTuple):
    """An image file, the person it shows and the camera that took it, −1 where that is not known."""

    path: str
    pid: int = -1
    camid: int = -1
    camera: str = ""
    """Name of the camera's folder, where the number was given to it."""


def names_several(source: str | os.PathLike[str]) -> bool:
    """Whether a name is of a folder, a pattern or a table rather than of one image file."""
    path = Path(source)
    if path.is_file():
        return path.suffix in _TABLES
    return path.is_dir() or any(character in str(source) for character in "*?[")


def find_items(source: str | os.PathLike[str], *, folders: FoldersOf | None = None) -> list[Item]:
    """One image file; or the images in a folder and all folders below it, of a pattern such as 'crops/*.jpg', or in a .csv or
    .jsonl table.

    Sorted by path, or in the table's order. Hidden files in a folder are skipped: macOS writes one beside every image.
    Outside tables people and cameras are those that the paths of all images tell, as `read_paths` reads them.

    Args:
        source: A folder, a pattern or a table.
        folders: Whether its folders are those of `people` or of `cameras`. By default only names like cam1 are cameras.

    Raises:
        FileNotFoundError: There is nothing of that name, or no image in it.
        ValueError: A table cannot be read, or `folders` is given and an image is not in a folder of people or cameras.
    """
    path = Path(source)
    if path.suffix in _TABLES and path.is_file():
        if folders:
            raise ValueError(f"{source} is a table, which lists people and cameras itself; leave folders={folders} out")
        items = [Item(*row) for row in read_listed(path)]
    elif path.is_dir():
        names = ((folder, name) for folder, _, files in os.walk(path, onerror=_refuse) for name in files)
        images = (os.path.join(*at) for at in names if at[1].lower().endswith(IMAGE_SUFFIXES) and at[1][0] != ".")  # noqa: PTH118
        items = _labelled(sorted(images), os.fspath(path), folders)
    else:
        is_file = path.is_file()  # also where it looks like a pattern
        named = [str(source)] if is_file else sorted(glob.glob(str(source), recursive=True))  # noqa: PTH207 - takes any pattern
        found = [name for name in named if not os.path.isdir(name)]  # noqa: PTH112 - a million of them
        above = [os.path.dirname(name) for name in found]  # noqa: PTH120
        items = _labelled(found, os.path.commonpath(above) if above else "", folders)
    if not items:
        raise FileNotFoundError(f"No images in {source}; name a folder, a pattern in quotes, or a table (.csv, .jsonl)")
    return items


def _labelled(images: list[str], root: str, folders: FoldersOf | None) -> list[Item]:
    return [Item(image, *labels) for image, labels in zip(images, read_paths(images, root, folders), strict=True)]


def _refuse(error: OSError) -> None:
    raise error
