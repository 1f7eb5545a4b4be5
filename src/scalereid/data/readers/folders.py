"""What readers of folders share: finding them, listing their images, reading people and cameras off file names."""

import os
import re
from collections import Counter
from pathlib import Path

from scalereid.data.records import JUNK, ImageRecord

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".jp2", ".tif", ".tiff", ".webp")


class NotHereError(FileNotFoundError):
    """A dataset does not lie in a folder at all; other errors mean that it does, but cannot be read."""


def find_folder(root: Path, dataset: str, names: tuple[str, ...], parts: tuple[str, ...], *, hint: str = "") -> Path:
    """The first of `root` and the folders `names` within it that has all `parts`, files or folders, in it.

    Raises:
        NotHereError: none has; the message says what each one lacks.
        PermissionError: the system does not let us look.
    """
    candidates = [root, *(root / name for name in names)]
    for candidate in candidates:
        if all((candidate / part).exists() for part in parts):
            return candidate
    problems = []
    for candidate in candidates:
        lacking = [part for part in parts if not (candidate / part).exists()]
        problems.append(f"{candidate} " + (f"lacks {', '.join(lacking)}" if candidate.is_dir() else "does not exist"))
    raise NotHereError(f"no {dataset}:\n  " + "\n  ".join(problems) + (f"\n{hint}" if hint else ""))


def list_images(folder: Path, left_out: Counter[str], suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> list[Path]:
    """The image files of a folder, sorted by name, upper or lower case; other files are counted in `left_out`.

    Hidden files, whose names begin with a dot, are no images: macOS leaves such beside every image.
    """
    with os.scandir(folder) as entries:
        there = [(entry.name, entry.is_file(), entry.is_dir()) for entry in entries]
    names = sorted(name for name, is_file, _ in there if is_file)
    images = [name for name in names if name.lower().endswith(suffixes) and not name.startswith(".")]
    if others := len(names) - len(images):
        wanted = "images" if suffixes == IMAGE_SUFFIXES else " or ".join(suffixes)
        left_out[f"files in {folder.name} that are not {wanted}"] += others
    if lost := sum(not is_file and not is_dir for _, is_file, is_dir in there):
        left_out[f"links in {folder.name} that lead nowhere"] += lost
    return [folder / name for name in images]


def list_folders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted by name."""
    with os.scandir(folder) as entries:
        return [folder / name for name in sorted(entry.name for entry in entries if entry.is_dir())]


def read_names(
    folder: Path,
    name: re.Pattern[str],
    dataset: str,
    example: str,
    left_out: Counter[str],
    suffixes: tuple[str, ...] = (".jpg",),
) -> tuple[ImageRecord, ...]:
    """The images of a folder, sorted by name, each with the pid and camid that the groups of `name` are.

    Junk (pid −1) and files of other suffixes are not among them but counted in `left_out`. Where `name` has no group camid,
    the camera is 1.

    Raises:
        ValueError: a file's name does not match.
    """
    records = []
    for path in list_images(folder, left_out, suffixes):
        match = name.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path}: not a {dataset} name, which looks like {example}")
        groups = match.groupdict()
        records.append(ImageRecord(path, pid=int(groups["pid"]), camid=int(groups.get("camid", 1))))
    return without_junk(records, f"junk (pid −1) in {folder.name}", left_out)


def without_junk(records: list[ImageRecord], why: str, left_out: Counter[str]) -> tuple[ImageRecord, ...]:
    """`records` but for junk, which is counted in `left_out`."""
    kept = tuple(record for record in records if record.pid != JUNK)
    if junk := len(records) - len(kept):
        left_out[why] += junk
    return kept
