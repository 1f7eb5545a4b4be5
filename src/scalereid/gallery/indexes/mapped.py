"""The files of the exact index: columns of values, a row for each sighting, mapped into memory."""

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.gallery.ledger import UNKNOWN
from scalereid.retrieval.codes import Codes, encode
from scalereid.retrieval.distances import as_matrix, shared, squared_lengths
from scalereid.retrieval.prepared import PreparedGallery

EMPTY = -1
"""In place of the number of a sighting that was removed."""


class Columns(NamedTuple):
    """The columns; all but `numbers`, `cameras` and `times` are what a `PreparedGallery` consists of."""

    vectors: NDArray[np.float32]
    squares: NDArray[np.float32]
    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    numbers: NDArray[np.int64]
    """Of the sightings."""
    cameras: NDArray[np.int32]
    times: NDArray[np.int64]

    def gallery(self, error: float) -> PreparedGallery:
        """The embeddings, ready to be searched; see `Codes` for the error."""
        codes = Codes(shared(self.codes), shared(self.scales), error)
        return PreparedGallery.of_parts(shared(self.vectors), shared(self.squares), codes)

    def release(self) -> None:
        """Let go of the pages of the embeddings, which are far apart and each mapped with those around it.

        They stay in the system's cache, so that reading them again is cheap, but no longer count as this process's memory.
        """
        if isinstance(self.vectors.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            self.vectors.base.madvise(mmap.MADV_DONTNEED)


_KINDS: dict[str, type[np.generic]] = {
    "vectors": np.float32,
    "squares": np.float32,
    "codes": np.int8,
    "scales": np.float32,
    "numbers": np.int64,
    "cameras": np.int32,
    "times": np.int64,
}
_WIDE = ("vectors", "codes")  # a value for each of an embedding
_BLOCK = 1024**2  # bytes that are overwritten together
_REMOVED = {"numbers": EMPTY, "times": UNKNOWN}  # what is in a row in place of a removed sighting; else 0


def columns_of(
    vectors: NDArray[np.float32], numbers: NDArray[np.int64], cameras: NDArray[np.int32], times: NDArray[np.int64]
) -> tuple[Columns, float]:
    """The columns of some sightings, and how far their codes are at most from their directions.

    Raises:
        ValueError: An embedding is not finite, or too long or too short for float32; the message names its row.
    """
    matrix = as_matrix(vectors, "gallery")
    squares = squared_lengths(matrix, "gallery")
    values, scales, error = encode(matrix, squares)
    return Columns(vectors, squares.numpy(), values.numpy(), scales.numpy(), numbers, cameras, times), error


@dataclass(frozen=True)
class ColumnFiles:
    """The files of an index: those of one generation, of which each row has its place for good."""

    folder: Path
    generation: int

    @classmethod
    def new(cls, folder: Path) -> "ColumnFiles":
        """Files that no process has open."""
        there = [int(file.stem.rpartition("-")[2]) for file in folder.glob("numbers-*.bin")]
        return cls(folder, max(there, default=0) + 1)

    def path(self, column: str) -> Path:
        """The file of a column."""
        return self.folder / f"{column}-{self.generation}.bin"

    def map(self, rows: int, size: int, mode: Literal["r", "r+"] = "r") -> Columns:
        """The first rows, of embeddings of a size; for reading, or for changing what is in them.

        Raises:
            OSError, ValueError: A file is missing, or shorter than it should be.
        """
        shapes = {name: (rows, size) if name in _WIDE else (rows,) for name in _KINDS}
        if not rows:
            return Columns(**{name: np.zeros(shapes[name], kind) for name, kind in _KINDS.items()})
        mapped = {name: np.memmap(self.path(name), kind, mode, shape=shapes[name]) for name, kind in _KINDS.items()}
        return Columns(**mapped)

    def append(self, columns: Columns, rows: int) -> None:
        """Write columns after the first `rows`, over whatever a killed process has left there."""
        for name, values in columns._asdict().items():
            path = self.path(name)
            with path.open("r+b" if path.exists() else "w+b") as file:
                file.truncate(rows * values[:1].nbytes)
                file.seek(0, os.SEEK_END)
                file.write(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
                file.flush()
                os.fsync(file.fileno())  # before anything says that it is there

    def remove(self, sightings: NDArray[np.int64], rows: int, size: int) -> float:
        """Overwrite the rows of removed sightings, and what a killed process has left after all rows, which may be theirs.

        Returns:
            The share of all rows that is empty then.
        """
        columns = self.map(rows, size, "r+")
        gone = np.flatnonzero(np.isin(columns.numbers, sightings))
        for name, values in columns._asdict().items():
            if len(gone):
                values[gone] = _REMOVED.get(name, 0)
                values.flush()
            _erase_after(self.path(name), values.nbytes)
        return float(np.mean(columns.numbers == EMPTY)) if rows else 0.0

    def delete_others(self) -> None:
        """Delete the files of other generations."""
        own = {self.path(name) for name in _KINDS}
        for file in self.folder.glob("*-*.bin"):
            if file not in own:
                file.unlink(missing_ok=True)


def _erase_after(path: Path, size: int) -> None:
    """Overwrite what is in a file, if it exists, after its first bytes, and cut it off."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        for start in range(size, end, _BLOCK):
            file.seek(start)
            file.write(bytes(min(_BLOCK, end - start)))
        file.flush()
        os.fsync(file.fileno())
        file.truncate(size)
