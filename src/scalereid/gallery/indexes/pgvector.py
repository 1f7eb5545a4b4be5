"""The index in the ledger's own database, where that is PostgreSQL with pgvector: a scan with the conditions in SQL."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pgvector.psycopg import register_vector
from pgvector.sqlalchemy import VECTOR
from psycopg import Connection
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Engine,
    MetaData,
    Table,
    all_,
    any_,
    bindparam,
    delete,
    inspect,
    literal,
    select,
    text,
)

from scalereid.gallery import schema
from scalereid.gallery.filters import Filter
from scalereid.gallery.indexes.served import Found
from scalereid.gallery.ledger import Vectors
from scalereid.gallery.postgresql import rewrite
from scalereid.gallery.sightings import Seen

_IN_ROW = 1_900  # values of a vector that fit into a page of 8 KiB with the rest of its row


class PgvectorStore:
    """Vectors in a table of a ledger's database. Cameras, times and the rest are the ledger's.

    Args:
        engine: The ledger's.
        model: The number of the model whose embeddings they are.

    Raises:
        ValueError: The database is not PostgreSQL, or has no pgvector; the message says what to do.
    """

    def __init__(self, engine: Engine, model: int) -> None:
        if engine.dialect.name != "postgresql":
            raise ValueError(
                "index is 'pgvector', which needs a database in PostgreSQL; choose exact, or name such a database"
            )
        self.engine = engine
        self.table = Table(
            f"vectors_{model}",
            MetaData(),
            Column("sighting", BigInteger, primary_key=True, autoincrement=False),
            Column("vector", VECTOR, nullable=False),
        )
        with engine.begin() as connection:
            if not connection.scalar(text("SELECT to_regtype('vector') IS NOT NULL")):
                raise ValueError(
                    f"{schema.public_name(engine.url)} does not know vectors: run CREATE EXTENSION vector there, in a schema "
                    "of the search path, or choose the index exact"
                )

    def exists(self) -> bool:
        """See `Store`."""
        found = inspect(self.engine)
        return found.has_table(self.table.name, schema=found.default_schema_name)

    def create(self, size: int) -> None:
        """See `Store`."""
        self.drop()
        with self.engine.begin() as connection:
            self.table.create(connection, checkfirst=False)
            alter = f"ALTER TABLE {self.table.name} ALTER vector"
            connection.exec_driver_sql(f"{alter} TYPE vector({size})")
            connection.exec_driver_sql(f"{alter} SET STATISTICS 0")  # which would be samples of what may have to go
            if size <= _IN_ROW:
                connection.exec_driver_sql(f"{alter} SET STORAGE PLAIN")  # a scan is faster

    def put(self, vectors: Vectors, seen: list[Seen]) -> None:  # noqa: ARG002
        """See `Store`."""
        with self.engine.begin() as connection:
            connection.execute(delete(self.table).where(self._is_in(vectors.sightings)))
            driver = cast("Connection[Any]", connection.connection.driver_connection)
            register_vector(driver)
            with driver.cursor().copy(
                f"COPY {self.table.name} (sighting, vector) FROM STDIN WITH (FORMAT BINARY)"
            ) as copy:
                copy.set_types(["bigint", "vector"])
                for row in zip(vectors.sightings.tolist(), vectors.matrix, strict=True):
                    copy.write_row(row)

    def remove(self, sightings: NDArray[np.int64]) -> None:
        """See `Store`."""
        with self.engine.begin() as connection:
            connection.execute(delete(self.table).where(self._is_in(sightings)))
        rewrite(self.engine, [self.table.name])

    def search(
        self,
        queries: NDArray[np.float32],
        top: int,
        where: Filter,
        among: NDArray[np.int64] | None,
        without: NDArray[np.int64],
    ) -> list[Found]:
        """See `Store`."""
        own = self.table.c
        opposite = own.vector.max_inner_product(bindparam("query")).label("opposite")
        chosen = select(own.sighting, opposite).order_by(opposite, own.sighting).limit(top)
        if where:
            chosen = chosen.join(schema.sightings, schema.sightings.c.number == own.sighting).where(where.clause())
        if among is not None:
            chosen = chosen.where(self._is_in(among))
        if len(without):
            chosen = chosen.where(own.sighting != all_(_array(without)))
        with self.engine.begin() as connection:
            found = [connection.execute(chosen, {"query": query}).all() for query in queries]
        return [
            Found(
                np.array([row.sighting for row in rows], np.int64),
                -np.array([row.opposite for row in rows], np.float32),
            )
            for rows in found
        ]

    def numbers(self) -> NDArray[np.int64]:
        """See `Store`."""
        with self.engine.begin() as connection:
            return np.fromiter(
                connection.scalars(select(self.table.c.sighting).order_by(self.table.c.sighting)), np.int64
            )

    def drop(self) -> None:
        """See `Store`."""
        if self.exists():  # in this schema: another's of the search path may have one of this name
            with self.engine.begin() as connection:
                self.table.drop(connection, checkfirst=False)

    def _is_in(self, sightings: NDArray[np.int64]) -> Any:
        return self.table.c.sighting == any_(_array(sightings))


def _array(sightings: NDArray[np.int64]) -> Any:
    """Numbers as one value, however many."""
    return literal(sightings.tolist(), ARRAY(BigInteger))
