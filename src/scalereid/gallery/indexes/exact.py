"""The exact index: all embeddings by one model in memory-mapped files, scanned by each search."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.files import read_json, write_json
from scalereid.gallery.filters import Filter
from scalereid.gallery.indexes import Hits
from scalereid.gallery.ledger import UNKNOWN, Ledger
from scalereid.gallery.sightings import to_microseconds
from scalereid.locks import locked
from scalereid.retrieval.search import search
from scalereid.typed_json import from_json

_PATIENCE = 600  # seconds for another process that brings the index up to date
_PAUSE = 0.02  # seconds between two looks whether it has ended
_REMOVED = 0.25  # share of empty rows above which the files are written anew
_EMPTY = -1  # number of a sighting that was removed
_KINDS: dict[str, type[np.generic]] = {
    "vectors": np.float32,
    "numbers": np.int64,
    "cameras": np.int32,
    "times": np.int64,
}


@dataclass(frozen=True)
class _State:
    """How much of the files counts, and up to where it is the ledger's."""

    ledger: str = ""
    generation: int = 0
    rows: int = 0
    size: int = 0
    """Length of an embedding; 0 before the first."""
    last_embedding: int = 0
    last_removal: int = 0
    cameras: tuple[str, ...] = ()
    """Their names, by their numbers in the file of cameras."""


class _Files(NamedTuple):
    """One generation of the files, mapped."""

    vectors: NDArray[np.float32]
    numbers: NDArray[np.int64]
    cameras: NDArray[np.int32]
    times: NDArray[np.int64]


_EMPTY_ROW = (0, _EMPTY, 0, UNKNOWN)  # what is in the files in place of a sighting that was removed


class ExactIndex:
    """An index of a ledger's embeddings by one model, which finds what a scan of all of them finds.

    It is derived from the ledger: it is brought up to date before each search, and can be deleted at any time. Several
    processes share its folder; one at a time writes there.

    Args:
        folder: A folder of its own.
        ledger, model: Whose embeddings, by the number of the model.
    """

    def __init__(self, folder: Path, ledger: Ledger, model: int) -> None:
        self.folder, self.ledger, self.model = folder, ledger, model
        self._lock = threading.Lock()

    def search(
        self,
        queries: NDArray[np.float32],
        top: int,
        where: Filter | None = None,
        *,
        among: NDArray[np.int64] | None = None,
        without: NDArray[np.int64] | None = None,
    ) -> Hits:
        """See `Index`."""
        state, files = self._up_to_date()
        found = Hits(np.full((len(queries), top), _EMPTY), np.full((len(queries), top), -np.inf, np.float32))
        if not state.rows:
            return found
        allowed = files.numbers != _EMPTY
        if where:
            allowed &= self._meeting(where, state, files)
        if among is not None:
            allowed &= np.isin(files.numbers, among)
        if without is not None and len(without):
            allowed &= ~np.isin(files.numbers, without)
        result = search(queries, files.vectors, top, mask=allowed)
        there = result.indices >= 0
        found.sightings[there] = files.numbers[result.indices[there]]
        found.similarities[there] = result.similarities[there]
        return found

    def numbers(self) -> NDArray[np.int64]:
        """See `Index`."""
        _, files = self._up_to_date()
        return files.numbers[files.numbers != _EMPTY]

    def catch_up(self) -> None:
        """See `Index`."""
        self._up_to_date()

    def rebuild(self) -> None:
        """See `Index`."""
        with self._lock, self._writing():
            self._write(self._anew())

    def drop(self) -> None:
        """See `Index`."""
        with self._lock, self._writing():
            shutil.rmtree(self.folder)

    def _up_to_date(self) -> tuple[_State, _Files]:
        with self._lock:
            state, files = self._opened()
            last_embedding, last_removal = self.ledger.latest(self.model)
            if last_embedding > state.last_embedding or last_removal > state.last_removal:
                with self._writing():
                    self._write(self._opened()[0])  # as another process may have left it meanwhile
                    return self._opened()
            return state, files

    def _meeting(self, where: Filter, state: _State, files: _Files) -> NDArray[np.bool_]:
        """Which rows meet a filter. What the files do not have is asked of the ledger."""
        allowed = np.ones(state.rows, bool)
        if where.cameras or where.not_cameras:
            known = np.array([name in where.cameras if where.cameras else name != "" for name in state.cameras], bool)
            known &= np.array([name not in where.not_cameras for name in state.cameras], bool)
            allowed &= known[files.cameras]
        if where.after or where.before:
            allowed &= files.times != UNKNOWN
        if where.after:
            allowed &= files.times >= to_microseconds(where.after)
        if where.before:
            allowed &= files.times < to_microseconds(where.before)
        if where.tracks or where.attributes:
            rest = Filter(tracks=where.tracks, attributes=where.attributes)
            allowed &= np.isin(files.numbers, self.ledger.select(rest))
        return allowed

    # Files

    def _paths(self, generation: int) -> dict[str, Path]:
        return {name: self.folder / f"{name}-{generation}.bin" for name in _Files._fields}

    def _opened(self) -> tuple[_State, _Files]:
        """The files and their state: an empty index where they are missing or damaged, or another ledger's."""
        try:
            state: _State = from_json(_State, read_json(self.folder / "state.json"), "index")
            if state.ledger == self.ledger.id:
                return state, _map(self._paths(state.generation), state)
        except (OSError, ValueError):
            pass
        state = self._anew()
        return state, _map({}, state)

    def _anew(self) -> _State:
        """The state of an empty index, in files that no process has open."""
        there = [int(file.stem.rpartition("-")[2]) for file in self.folder.glob("numbers-*.bin")]
        return _State(generation=max(there, default=0) + 1)

    def _write(self, state: _State) -> None:
        """Bring the files up to date."""
        last_removal, removed = self.ledger.removed(state.last_removal)
        removed_here = _remove(self._paths(state.generation), state, removed)
        if removed_here and np.mean(_map(self._paths(state.generation), state).numbers == _EMPTY) > _REMOVED:
            state = self._anew()
        cameras = {name: number for number, name in enumerate(state.cameras)}
        rows, size, last = state.rows, state.size, state.last_embedding
        for block in self.ledger.vectors(self.model, last):
            size = size or block.matrix.shape[1]
            if block.matrix.shape[1] != size:
                raise ValueError(
                    f"{self.ledger.name} has embeddings of {size} and {block.matrix.shape[1]} values by one model"
                )
            codes = np.array([cameras.setdefault(name, len(cameras)) for name in block.cameras], np.int32)
            added = _Files(block.matrix, block.sightings, codes, block.times)
            for name, path in self._paths(state.generation).items():
                _append(path, getattr(added, name), rows)
            rows, last = rows + len(block.sightings), block.last
        state = _State(self.ledger.id, state.generation, rows, size, last, last_removal, tuple(cameras))
        write_json(self.folder / "state.json", asdict(state))
        for file in self.folder.glob("*-*.bin"):
            if file not in self._paths(state.generation).values():
                file.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Wait until no other process writes there, and keep others from it in the block."""
        self.folder.mkdir(parents=True, exist_ok=True)
        until = time.monotonic() + _PATIENCE
        with ExitStack() as held:
            while True:
                try:
                    held.enter_context(locked(self.folder / "state.json"))
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(_PAUSE)
            yield


def _map(paths: dict[str, Path], state: _State, mode: Literal["r", "r+"] = "r") -> _Files:
    """The files, mapped for reading, or for changing what is in them.

    Raises:
        OSError, ValueError: One is missing, or shorter than it should be.
    """
    if not state.rows:
        return _Files(np.zeros((0, 0), np.float32), np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64))
    shapes = {"vectors": (state.rows, state.size)}
    mapped = {
        name: np.memmap(paths[name], kind, mode, shape=shapes.get(name, (state.rows,))) for name, kind in _KINDS.items()
    }
    return _Files(**mapped)


def _append(path: Path, values: NDArray[Any], rows: int) -> None:
    """Write values after the first `rows`, over whatever a killed process has left there."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(rows * values[:1].nbytes)
        file.seek(0, 2)
        file.write(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())


def _remove(paths: dict[str, Path], state: _State, sightings: NDArray[np.int64]) -> bool:
    """Overwrite the rows of removed sightings; whether there were any."""
    if not state.rows or not len(sightings):
        return False
    files = _map(paths, state, "r+")
    rows = np.flatnonzero(np.isin(files.numbers, sightings))
    for array, empty in zip(files, _EMPTY_ROW, strict=True):
        assert isinstance(array, np.memmap)
        array[rows] = empty
        array.flush()
    return bool(len(rows))
