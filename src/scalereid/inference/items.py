"""Image files to embed, named by a folder, a pattern or a table."""

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scalereid.data.readers.folders import IMAGE_SUFFIXES
from scalereid.data.readers.paths import FoldersOf, read_paths
from scalereid.data.readers.rows import TABLES
from scalereid.data.readers.table import read_listed

_WILD = "*?["


class Item(NamedTuple):
    """An image file, the person it shows and the camera that took it, −1 where that is not known."""

    path: str
    pid: int = -1
    camid: int = -1
    camera: str = ""
    """Name of the camera's folder, where the number was given to it."""


def cameras_by_folder(items: Iterable[Item]) -> dict[str, int]:
    """Numbers of cameras by the names of their folders; empty where no folders tell them."""
    return {item.camera: item.camid for item in items if item.camera}


def names_several(source: str | os.PathLike[str]) -> bool:
    """Whether a name is of a folder, a pattern or a table rather than of one image file."""
    path = Path(source)
    if path.is_file():
        return path.suffix.lower() in TABLES
    return path.is_dir() or any(character in str(source) for character in _WILD)


def find_items(source: str | os.PathLike[str], *, folders: FoldersOf | None = None, frames: bool = False) -> list[Item]:
    """One image file; or the images in a folder and all folders below it, of a pattern such as 'crops/*.jpg', or in a .csv or
    .jsonl table.

    Sorted by path, or in the table's order. In a folder, and where `**` in a pattern stands for any folders, hidden files and
    folders are skipped, as macOS writes a hidden file beside every image, and so are links to folders, which may lead round in
    circles. A link to a folder that is named, or matched by `*`, is followed. Outside tables people and cameras are those that
    the paths of all images tell, as `read_paths` reads them.

    Args:
        source: A folder, a pattern or a table.
        folders: Whether its folders are those of `people` or of `cameras`. By default only names like cam1 are cameras.
        frames: Whether pictures of several people are wanted, so that a table may have their boxes.

    Raises:
        FileNotFoundError: There is nothing of that name, or no image in it.
        PermissionError: A folder may not be read.
        ValueError: A table cannot be read or has boxes of people, or `folders` is given and an image is not in a folder of
            people or cameras.
    """
    path = Path(source)
    if path.suffix.lower() in TABLES and path.is_file():
        if folders:
            raise ValueError(f"{source} is a table, which lists people and cameras itself; leave folders={folders} out")
        items = [Item(*row) for row in read_listed(path, frames=frames)]
    elif path.is_dir():
        images = sorted(name for name in _matching(path, ("**",)) if name.lower().endswith(IMAGE_SUFFIXES))
        items = _labelled(images, os.fspath(path), folders)
    else:
        is_file = path.is_file()  # also where it looks like a pattern
        parts = path.relative_to(path.anchor).parts
        found = [str(source)] if is_file else sorted({*_matching(path.anchor, parts)})
        above = [os.path.dirname(name) for name in found]  # noqa: PTH120 - a million of them
        items = _labelled(found, os.path.commonpath(above) if above else "", folders)
    if not items:
        raise FileNotFoundError(f"No images in {source}; name a folder, a pattern in quotes, or a table (.csv, .jsonl)")
    return items


def find_distinct(
    *sources: str | os.PathLike[str], folders: FoldersOf | None = None, frames: bool = False
) -> list[Item]:
    """The images that several names stand for: each file once, under the name by which it is found first.

    Raises:
        FileNotFoundError, PermissionError, ValueError: As `find_items` raises.
    """
    files: dict[str, Item] = {}
    for source in sources:
        for item in find_items(source, folders=folders, frames=frames):
            files.setdefault(os.path.realpath(item.path), item)
    return [*files.values()]


def common_folder(paths: Sequence[str]) -> str:
    """The folder that all paths begin with, with a separator at its end; empty if there is none. Names are what follows it."""
    beginning = os.path.commonprefix(paths)  # noqa: RUF071 - cut at a separator
    return beginning[: beginning.rfind(os.sep) + 1]


def _labelled(images: list[str], root: str, folders: FoldersOf | None) -> list[Item]:
    return [Item(image, *labels) for image, labels in zip(images, read_paths(images, root, folders), strict=True)]


def _matching(folder: str | os.PathLike[str], pattern: tuple[str, ...]) -> Iterator[str]:
    """Yield what is not a folder and matches the parts of a pattern, in no particular order, broken links among it.

    As `glob.glob` does, but without skipping folders that may not be read, and without going round through links.
    """
    pending = [(os.fspath(folder), pattern)]
    while pending:
        for name, rest in _one_part(*pending.pop()):
            if rest:
                pending.append((name, rest))
            else:
                yield name


def _one_part(folder: str, pattern: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what matches the first part of a pattern, folders with the parts that are left, all else without any."""
    part, rest = pattern[0], pattern[1:]
    if part == "**" and rest:
        yield folder, rest  # for no folder at all
    if not any(character in part for character in _WILD):
        name = os.path.join(folder, part)  # noqa: PTH118 - a million of them
        if os.path.lexists(name) and os.path.isdir(name) == bool(rest):  # noqa: PTH112
            yield name, rest
        return
    anywhere, hidden = part == "**", part[0] == "."
    matches = re.compile(fnmatch.translate(os.path.normcase(part))).match
    with os.scandir(folder or ".") as entries:
        for entry in entries:
            if matches(os.path.normcase(entry.name)) and (hidden or entry.name[0] != "."):
                name = os.path.join(folder, entry.name)  # noqa: PTH118
                if anywhere and entry.is_dir(follow_symlinks=False):
                    yield name, pattern
                elif _is_folder(entry) == bool(rest) and not (anywhere and rest):
                    yield name, rest


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
