"""The exact index: all embeddings by one model in memory-mapped files, scanned by each search."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.files import read_json, write_json
from scalereid.gallery.filters import Filter
from scalereid.gallery.indexes import Hits
from scalereid.gallery.indexes.mapped import EMPTY, ColumnFiles, Columns, columns_of
from scalereid.gallery.ledger import UNKNOWN, Ledger
from scalereid.gallery.sightings import to_microseconds
from scalereid.locks import locked
from scalereid.retrieval.distances import row_blocks
from scalereid.retrieval.prepared import PreparedGallery
from scalereid.retrieval.search import SearchResult, search
from scalereid.typed_json import from_json

_PATIENCE = 600  # seconds for another process that brings the index up to date
_PAUSE = 0.02  # seconds between two looks whether it has ended
_EMPTY_SHARE = 0.25  # of all rows, above which the files are written anew
_QUERIES = 32  # searched together: the rows that they need are in memory at the same time
_FEW = 8  # one row in so many, and fewer, are gathered before they are compared


@dataclass(frozen=True)
class _State:
    """How much of the files counts, and up to where it is the ledger's."""

    ledger: str = ""
    generation: int = 0
    rows: int = 0
    size: int = 0
    """Length of an embedding; 0 before the first."""
    error: float = 0.0
    """Of the codes."""
    last_embedding: int = 0
    last_removal: int = 0
    cameras: tuple[str, ...] = ()
    """Their names, by their numbers in the file of cameras."""


class _Opened(NamedTuple):
    """What the files hold."""

    state: _State
    columns: Columns
    gallery: PreparedGallery


class ExactIndex:
    """An index of a ledger's embeddings by one model, which finds what a scan of all of them finds.

    It is derived from the ledger: it is brought up to date before each search, and can be deleted at any time. Several
    processes share its folder; one at a time writes there. On processors with fast int8 products a search reads int8 codes
    of all embeddings, a quarter of their bytes, and only the few embeddings that can be among the nearest.

    Args:
        folder: A folder of its own.
        ledger, model: Whose embeddings, by the number of the model.
    """

    def __init__(self, folder: Path, ledger: Ledger, model: int) -> None:
        self.folder, self.ledger, self.model = folder, ledger, model
        self._lock = threading.Lock()
        self._last: _Opened | None = None

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
        state, columns, gallery = self._up_to_date()
        found = Hits(np.full((len(queries), top), EMPTY), np.full((len(queries), top), -np.inf, np.float32))
        allowed = columns.numbers != EMPTY
        if where:
            allowed &= self._meeting(where, state, columns)
        if among is not None:
            allowed &= np.isin(columns.numbers, among)
        if without is not None and len(without):
            allowed &= ~np.isin(columns.numbers, without)
        for block in row_blocks(len(queries) if allowed.any() else 0, _QUERIES):
            result = _search(queries[block], gallery, top, allowed)
            there = result.indices >= 0
            found.sightings[block][there] = columns.numbers[result.indices[there]]
            found.similarities[block][there] = result.similarities[there]
            columns.release()
        return found

    def numbers(self) -> NDArray[np.int64]:
        """See `Index`."""
        numbers = self._up_to_date().columns.numbers
        return numbers[numbers != EMPTY]

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

    def _up_to_date(self) -> _Opened:
        with self._lock:
            opened = self._opened()
            last_embedding, last_removal = self.ledger.latest(self.model)
            if last_embedding > opened.state.last_embedding or last_removal > opened.state.last_removal:
                with self._writing():
                    self._write(self._opened().state)  # as another process may have left it meanwhile
                    return self._opened()
            return opened

    def _meeting(self, where: Filter, state: _State, columns: Columns) -> NDArray[np.bool_]:
        """Which rows meet a filter. What the files do not have is asked of the ledger."""
        allowed = np.ones(state.rows, bool)
        if where.cameras or where.not_cameras:
            known = np.array([name in where.cameras if where.cameras else name != "" for name in state.cameras], bool)
            known &= np.array([name not in where.not_cameras for name in state.cameras], bool)
            allowed &= known[columns.cameras]
        if where.after or where.before:
            allowed &= columns.times != UNKNOWN
        if where.after:
            allowed &= columns.times >= to_microseconds(where.after)
        if where.before:
            allowed &= columns.times < to_microseconds(where.before)
        if where.tracks or where.attributes:
            rest = Filter(tracks=where.tracks, attributes=where.attributes)
            allowed &= np.isin(columns.numbers, self.ledger.select(rest))
        return allowed

    # Files

    def _opened(self) -> _Opened:
        """What the files hold: an empty index where they are missing or damaged, or another ledger's."""
        try:
            state: _State = from_json(_State, read_json(self.folder / "state.json"), "index")
            if self._last and state == self._last.state:
                return self._last
            if state.ledger == self.ledger.id:
                columns = ColumnFiles(self.folder, state.generation).map(state.rows, state.size)
                self._last = _Opened(state, columns, columns.gallery(state.error))
                return self._last
        except (OSError, ValueError):
            pass
        state = self._anew()
        columns = ColumnFiles(self.folder, state.generation).map(0, 0)
        return _Opened(state, columns, columns.gallery(0))

    def _anew(self) -> _State:
        """The state of an empty index, in files that no process has open."""
        return _State(generation=ColumnFiles.new(self.folder).generation)

    def _write(self, state: _State) -> None:
        """Bring the files up to date."""
        files = ColumnFiles(self.folder, state.generation)
        last_removal, removed = self.ledger.removed(state.last_removal)
        if len(removed) and files.remove(removed, state.rows, state.size) > _EMPTY_SHARE:
            state = self._anew()
            files = ColumnFiles(self.folder, state.generation)
        cameras = {name: number for number, name in enumerate(state.cameras)}
        rows, size, error, last = state.rows, state.size, state.error, state.last_embedding
        for block in self.ledger.vectors(self.model, last):
            size = size or block.matrix.shape[1]
            if block.matrix.shape[1] != size:
                raise ValueError(
                    f"{self.ledger.name} has embeddings of {size} and {block.matrix.shape[1]} values by one model"
                )
            numbers = np.array([cameras.setdefault(name, len(cameras)) for name in block.cameras], np.int32)
            added, own_error = columns_of(block.matrix, block.sightings, numbers, block.times)
            files.append(added, rows)
            rows, last, error = rows + len(block.sightings), block.last, max(error, own_error)
        state = _State(self.ledger.id, files.generation, rows, size, error, last, last_removal, tuple(cameras))
        write_json(self.folder / "state.json", asdict(state))
        files.delete_others()

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


def _search(
    queries: NDArray[np.float32], gallery: PreparedGallery, top: int, allowed: NDArray[np.bool_]
) -> SearchResult:
    """The nearest of the rows that are allowed."""
    rows = np.flatnonzero(allowed)
    if len(rows) * _FEW > len(allowed):
        return search(queries, gallery, top, mask=None if len(rows) == len(allowed) else allowed)
    found = search(queries, gallery.part(rows), top)
    return found._replace(indices=np.where(found.indices < 0, found.indices, rows[found.indices]))
