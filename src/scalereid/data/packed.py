"""Images inside another file: in a zip file, or among the pixels of a CIFAR file. Their paths go through it."""

import os
import re
import zipfile
from functools import lru_cache
from io import BytesIO
from pathlib import Path, PurePosixPath
from threading import Lock

import numpy as np

from scalereid.files import stamp

ZIP, PIXELS = ".zip", ".bin"
SIDE = 32
"""Height and width of an image in a CIFAR file: 3 × 32 × 32 bytes, red, green, blue."""
_THROUGH = re.compile(rf"(?:{re.escape(ZIP)}|{re.escape(PIXELS)})(?={re.escape(os.sep)})")
_BYTES = 3 * SIDE * SIDE
_LARGEST = 2**28  # bytes of an image in a zip file: one that unpacks to more is no image


class ZippedFiles:
    """The files in a zip file, which several threads may read."""

    def __init__(self, file: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:
            raise ValueError(f"{file} is damaged or cut off: {error}; copy it again") from error
        self._lock = Lock()
        names = (name for name in self._zip.namelist() if not name.endswith("/"))
        self._stored = {PurePosixPath(name.lstrip("/")).as_posix(): name for name in names}  # such as ./train/cat/1.jpg

    def names(self) -> list[str]:
        """Names of the files, without folders, as parts of paths have them, sorted."""
        return sorted(self._stored)

    def size(self, name: str) -> int:
        """Number of bytes of a file, unpacked.

        Raises:
            FileNotFoundError: It is not there.
        """
        return self._info(name).file_size

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            FileNotFoundError: It is not there.
            ValueError: It is damaged, encrypted, or too large for an image.
        """
        if self.size(name) > _LARGEST:
            raise ValueError(f"it unpacks to {self.size(name):,} bytes, more than {_LARGEST:,}")
        try:
            with self._lock:
                return self._zip.read(self._info(name))
        except MemoryError:
            raise
        except Exception as error:  # each way to pack a file has kinds of its own for a damaged one
            raise ValueError(f"the zip file is damaged, encrypted or of an unknown kind: {error}") from error

    def _info(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._zip.getinfo(self._stored[name])
        except KeyError:
            raise FileNotFoundError(f"{self._zip.filename} contains no {name}") from None


def zipped_files(file: Path) -> ZippedFiles:
    """The files in a zip file, whose list is read once.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged.
    """
    return _opened(file, stamp(file))


@lru_cache(maxsize=4)
def _opened(file: Path, _: tuple[int, int, int]) -> ZippedFiles:
    return ZippedFiles(file)


def container(path: Path) -> Path | None:
    """The zip or CIFAR file that a path goes through; None for the path of a file of its own."""
    text = str(path)
    ends = (found.end() for found in _THROUGH.finditer(text))
    return next((file for end in ends if (file := Path(text[:end])).is_file()), None)  # a folder may be called so, too


def packed_image(path: Path) -> BytesIO | None:
    """The image file that lies inside another file, that of CIFAR as a PPM; None for the path of a file of its own.

    Raises:
        OSError, ValueError: It is not there, or damaged; the message says what.
    """
    outer = container(path)
    if outer is None:
        return None
    inner = path.relative_to(outer).as_posix()
    if outer.suffix == ZIP:
        return BytesIO(zipped_files(outer).read(inner))
    with outer.open("rb") as file:
        file.seek(int(inner))
        planes = np.frombuffer(file.read(_BYTES), np.uint8)
    if len(planes) != _BYTES:
        raise ValueError(f"{outer.name} ends before it")
    pixels = np.ascontiguousarray(planes.reshape(3, SIDE, SIDE).transpose(1, 2, 0))
    return BytesIO(b"P6 %d %d 255\n" % (SIDE, SIDE) + pixels.tobytes())


def packed_size(path: Path) -> int:
    """Number of bytes of an image file, wherever it lies.

    Raises:
        FileNotFoundError: It does not exist.
    """
    outer = container(path)
    if outer is None:
        return path.stat().st_size
    return zipped_files(outer).size(path.relative_to(outer).as_posix()) if outer.suffix == ZIP else _BYTES


def packed_stamp(path: Path) -> tuple[int, int, int]:
    """The stamp of the file that an image lies in, or of its own: see `files.stamp`."""
    return stamp(container(path) or path)
