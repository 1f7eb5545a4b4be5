"""Folders of images: finding them, listing their files, and reading people and cameras from file names."""

import errno
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scalereid.data.records import JUNK, ImageRecord

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".jp2", ".tif", ".tiff", ".webp")


class NotHereError(FileNotFoundError):
    """The dataset is not in a folder at all; other errors mean that it is, but cannot be read."""


def find_folder(root: Path, dataset: str, names: tuple[str, ...], parts: tuple[str, ...], *, hint: str = "") -> Path:
    """Return the first of `root` and the folders `names` within it that contains all `parts`, files or folders.

    Raises:
        NotHereError: None of them does; the message says what each one lacks.
        PermissionError: A folder cannot be listed.
    """
    candidates = [root, *(root / name for name in names)]
    for candidate in candidates:
        if all((candidate / part).exists() for part in parts):
            return candidate
    problems = []
    for candidate in candidates:
        lacking = [part for part in parts if not (candidate / part).exists()]
        problems.append(f"{candidate} " + (f"lacks {', '.join(lacking)}" if candidate.is_dir() else "does not exist"))
    raise NotHereError(f"{dataset} was not found:\n  " + "\n  ".join(problems) + (f"\n{hint}" if hint else ""))


def is_image(name: str, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> bool:
    """Whether a file's name is an image's; suffixes may be in upper case.

    Hidden files, whose names begin with a dot, are not images: macOS writes one beside every image.
    """
    return name.lower().endswith(suffixes) and not name.startswith(".")


def walk(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield every folder from `root` on and the names of all files in it, sorted, but for hidden folders."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield folder, sorted(names)


def list_images(folder: Path, left_out: Counter[str], suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> list[Path]:
    """List the image files of a folder, sorted by name. Other files are counted in `left_out`."""
    with os.scandir(folder) as entries:
        there = [(entry.name, _is(entry.is_file), _is(entry.is_dir)) for entry in entries]
    names = sorted(name for name, is_file, _ in there if is_file)
    images = [name for name in names if is_image(name, suffixes)]
    if others := len(names) - len(images):
        wanted = "images" if suffixes == IMAGE_SUFFIXES else " or ".join(suffixes)
        left_out[f"files in {folder.name} that are not {wanted}"] += others
    for name in (name for name, is_file, is_dir in there if not is_file and not is_dir):
        what = "named pipes, sockets or devices" if (folder / name).exists() else "broken links"
        left_out[f"{what} in {folder.name}"] += 1
    return [folder / name for name in images]


def list_folders(folder: Path) -> list[Path]:
    """List the folders in a folder, sorted by name, but for hidden ones, which hold no images: programs keep caches there."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if _is(entry.is_dir) and not entry.name.startswith(".")]
    return [folder / name for name in sorted(names)]


def _is(kind: Callable[[], bool]) -> bool:
    """Whether an entry of a folder is of a kind; a link that leads round in a circle is of none."""
    try:
        return kind()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise


@dataclass(frozen=True)
class FileNames:
    """How a dataset names its image files."""

    dataset: str
    pattern: re.Pattern[str]
    """With a group pid and, where the name tells the camera, a group camid."""
    example: str
    suffixes: tuple[str, ...] = ()
    """Of the files to read; the example's by default."""

    def read(
        self, folder: Path, left_out: Counter[str], *, camid: int = 1, pid_offset: int = 0
    ) -> tuple[ImageRecord, ...]:
        """Read the images of a folder, sorted by name; junk (pid −1) and other files are counted in `left_out`.

        `camid` is the camera where names do not tell it, `pid_offset` is added to every pid.

        Raises:
            ValueError: A file's name does not match the pattern.
        """
        records = []
        for path in list_images(folder, left_out, self.suffixes or (Path(self.example).suffix,)):
            match = self.pattern.fullmatch(path.name)
            if match is None:
                raise ValueError(f"{path}: not a {self.dataset} file name, which looks like {self.example}")
            groups = match.groupdict()
            records.append(ImageRecord(path, int(groups["pid"]) + pid_offset, int(groups.get("camid", camid))))
        return without_junk(records, f"junk (pid −1) in {folder.name}", left_out)


def sequences(frames: Mapping[int, Sequence[Path]], people: Iterable[int], camid: int) -> tuple[ImageRecord, ...]:
    """Return the frames of `people`, by pid, as one tracklet per person and camera; `camid` is 1 or 2."""
    return tuple(ImageRecord(path, pid, camid, tracklet=2 * pid + camid - 1) for pid in people for path in frames[pid])


def without_junk(records: list[ImageRecord], why: str, left_out: Counter[str]) -> tuple[ImageRecord, ...]:
    """Return the records that are not junk; junk is counted in `left_out` under the reason `why`."""
    kept = tuple(record for record in records if record.pid != JUNK)
    if junk := len(records) - len(kept):
        left_out[why] += junk
    return kept
