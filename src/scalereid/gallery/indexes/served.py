"""An index that a server keeps, of vectors in PostgreSQL or in Milvus, brought up to date from the ledger."""

import threading
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from scalereid.gallery import schema
from scalereid.gallery.filters import Filter
from scalereid.gallery.indexes import Hits
from scalereid.gallery.ledger import Ledger, Vectors
from scalereid.gallery.sightings import Seen

_BLOCK = 1024  # embeddings that are sent in one transaction of the ledger, which holds other writers up


class Found(NamedTuple):
    """What a store found for a query: the most similar first, of equally similar ones that with the lower number."""

    sightings: NDArray[np.int64]
    similarities: NDArray[np.float32]


class Store(Protocol):
    """Where a server keeps vectors of length 1, by the numbers of their sightings."""

    def exists(self) -> bool:
        """Whether there is such a place."""

    def create(self, size: int) -> None:
        """Make it, empty, for vectors of a length, whatever is there."""

    def put(self, vectors: Vectors, seen: list[Seen]) -> None:
        """Add vectors, or replace them. They are there once this has returned, and found by every process."""

    def remove(self, sightings: NDArray[np.int64]) -> None:
        """Remove vectors, as far as they are there, and their bytes, as far as the server lets us."""

    def search(
        self,
        queries: NDArray[np.float32],
        top: int,
        where: Filter,
        among: NDArray[np.int64] | None,
        without: NDArray[np.int64],
    ) -> list[Found]:
        """What a scan finds for each of the vectors (q, d) of length 1: see `Index.search`. `without` is ascending."""

    def numbers(self) -> NDArray[np.int64]:
        """The numbers of all sightings, ascending."""

    def drop(self) -> None:
        """Delete it, if it is there."""


class _State(NamedTuple):
    """How far the store has come."""

    size: int = 0
    """Length of an embedding; 0 before the first, when there is nothing yet."""
    last_embedding: int = 0
    last_removal: int = 0


class ServedIndex:
    """An index of a ledger's embeddings by one model in a store of a server.

    How far the store has come is recorded in the ledger. A block of embeddings is sent within a transaction of the ledger that
    writes: one process at a time does so, and nothing is forgotten meanwhile. One that is killed leaves at most a block, which
    is sent again and replaces itself.

    Args:
        store: Where the vectors are.
        name: Whose state this is: as `open_index` takes it.
        ledger, model: Whose embeddings, by the number of the model.
    """

    def __init__(self, store: Store, name: str, ledger: Ledger, model: int) -> None:
        self.store, self.name, self.ledger, self.model = store, name, ledger, model
        self._lock = threading.Lock()
        self._known = False  # whether the store was looked for

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
        found = Hits(np.full((len(queries), top), -1), np.full((len(queries), top), -np.inf, np.float32))
        state = self._up_to_date()
        if not state.size:
            return found
        if queries.shape[1] != state.size:
            raise ValueError(f"query and gallery embeddings differ in width: {queries.shape[1]} and {state.size}")
        forbidden = np.unique(np.zeros(0, np.int64) if without is None else without)
        of_length_1 = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        for row, hits in enumerate(self.store.search(of_length_1, top, where or Filter(), among, forbidden)):
            found.sightings[row, : len(hits.sightings)] = hits.sightings
            found.similarities[row, : len(hits.sightings)] = hits.similarities
        return found

    def numbers(self) -> NDArray[np.int64]:
        """See `Index`."""
        return self.store.numbers() if self._up_to_date().size else np.zeros(0, np.int64)

    def catch_up(self) -> None:
        """See `Index`."""
        self._up_to_date()

    def rebuild(self) -> None:
        """See `Index`."""
        self.drop()
        self._up_to_date()

    def drop(self) -> None:
        """See `Index`."""
        with self._lock, schema.writing(self.ledger.engine) as connection:
            self._forget_state(connection)
            self.store.drop()

    def _up_to_date(self) -> _State:
        with self._lock:
            state = self._look()
            last_embedding, last_removal = self.ledger.latest(self.model)
            if last_removal > state.last_removal:
                state = self._remove(state)
            while last_embedding > state.last_embedding:
                with schema.writing(self.ledger.engine) as connection:
                    state = self._send(connection, last_embedding)
            return state

    def _look(self) -> _State:
        """How far the store has come. A store that is gone is begun anew."""
        with self.ledger.engine.begin() as connection:
            state = self._state(connection)
        if state.size and not self._known and not self.store.exists():
            with schema.writing(self.ledger.engine) as connection:
                self._forget_state(connection)
            state = _State()
        self._known = True
        return state

    def _remove(self, state: _State) -> _State:
        """Remove what was removed from the ledger. That this was done is recorded when nothing of it is left."""
        last_removal, removed = self.ledger.removed(state.last_removal)
        if state.size:
            self.store.remove(removed)
        with schema.writing(self.ledger.engine) as connection:
            now = self._state(connection)
            return self._record(connection, now._replace(last_removal=max(now.last_removal, last_removal)))

    def _send(self, connection: Connection, last_embedding: int) -> _State:
        """Send the next block of embeddings, as another process may have left the store meanwhile."""
        state = self._state(connection)
        block = next(self.ledger.vectors(self.model, state.last_embedding, block=_BLOCK), None)
        if block is None:  # all up to the last were forgotten meanwhile
            return state._replace(last_embedding=last_embedding)
        size = block.matrix.shape[1]
        if not state.size:
            self.store.create(size)
        elif size != state.size:
            raise ValueError(f"{self.ledger.name} has embeddings of {state.size} and {size} values by one model")
        sightings = self.ledger.sightings(block.sightings.tolist())
        self.store.put(block, [sightings[number].seen for number in block.sightings.tolist()])
        return self._record(connection, state._replace(size=size, last_embedding=block.last))

    # The state in the ledger

    @property
    def _own(self) -> ColumnElement[bool]:
        columns = schema.indexes.c
        return and_(columns.model == self.model, columns.name == self.name)

    def _state(self, connection: Connection) -> _State:
        columns = schema.indexes.c
        row = connection.execute(
            select(columns.size, columns.last_embedding, columns.last_removal).where(self._own)
        ).one_or_none()
        return _State(*row) if row else _State()

    def _record(self, connection: Connection, state: _State) -> _State:
        values = state._asdict()
        if not connection.execute(update(schema.indexes).where(self._own).values(values)).rowcount:
            connection.execute(insert(schema.indexes).values(model=self.model, name=self.name, **values))
        return state

    def _forget_state(self, connection: Connection) -> None:
        connection.execute(delete(schema.indexes).where(self._own))
