"""The tables of a gallery's ledger, in SQLite or PostgreSQL, and connections to them."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from scalereid.packages import require

FORMAT = 1
WAIT = 60  # seconds for another process to end its transaction
_Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by themselves only as INTEGER

_metadata = MetaData()
# With `sqlite_autoincrement` a number is never given twice, or an event could speak of another sighting.

state = Table(
    "state",
    _metadata,
    Column("only", Integer, primary_key=True),
    Column("format", Integer, nullable=False),
    Column("ledger", String(32), nullable=False),  # drawn at random: an index knows whose it is
    Column("revision", BigInteger, nullable=False),
    Column("settings", Text, nullable=False),
)
models = Table(
    "models",
    _metadata,
    Column("number", _Number, primary_key=True),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("metadata", Text, nullable=False),
    Column("calibration", Text),
    Column("added", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
sightings = Table(
    "sightings",
    _metadata,
    Column("number", _Number, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("camera", Text, nullable=False),
    Column("time", BigInteger),
    Column("box", JSON(none_as_null=True)),
    Column("track", Text, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("added", BigInteger, nullable=False),
    Index("by_camera_and_time", "camera", "time"),
    Index("by_time", "time"),
    sqlite_autoincrement=True,
)
embeddings = Table(
    "embeddings",
    _metadata,
    Column("number", _Number, primary_key=True),
    Column("model", ForeignKey(models.c.number), nullable=False),
    Column("sighting", ForeignKey(sightings.c.number), nullable=False),
    Column("vector", LargeBinary, nullable=False),
    UniqueConstraint("model", "sighting"),
    Index("by_sighting", "sighting"),
    Index("by_model", "model", "number"),
    sqlite_autoincrement=True,
)
crops = Table(
    "crops",
    _metadata,
    Column("sighting", ForeignKey(sightings.c.number), primary_key=True),
    Column("jpeg", LargeBinary, nullable=False),
)
events = Table(
    "events",
    _metadata,
    Column("number", _Number, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)
removals = Table(
    "removals",  # so that every index learns what is to be removed from it
    _metadata,
    Column("number", _Number, primary_key=True),
    Column("sighting", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
indexes = Table(
    "indexes",  # those that are not in files: how far each has come
    _metadata,
    Column("model", ForeignKey(models.c.number), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("size", Integer, nullable=False),  # length of an embedding
    Column("last_embedding", BigInteger, nullable=False),
    Column("last_removal", BigInteger, nullable=False),
)
searches = Table(
    "searches",
    _metadata,
    Column("number", _Number, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("what", Text, nullable=False),
    sqlite_autoincrement=True,
)
NAMES = tuple(_metadata.tables)

# PostgreSQL must not keep samples of what may have to be forgotten.
for _column in (
    sightings.c.digest,
    sightings.c.source,
    sightings.c.track,
    embeddings.c.vector,
    crops.c.jpeg,
    events.c.body,
):
    event.listen(
        _column.table,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"ALTER TABLE {_column.table.name} ALTER {_column.name} SET STATISTICS 0"
        ).execute_if(dialect="postgresql"),
    )


def connect(url: str | URL) -> Engine:
    """An engine for a ledger's database; nothing is opened before it is used.

    Args:
        url: `sqlite:///FILE`, or `postgresql://USER@HOST/DATABASE`.

    Raises:
        ValueError: It is neither.
        ModuleNotFoundError: The driver is not installed; the message says how to install it.
    """
    address = make_url(url)
    # `hide_parameters`: what stands in an error is logged, and names of people should not be.
    if address.get_backend_name() == "postgresql":
        require("psycopg", extra="postgresql", purpose="a gallery in PostgreSQL")
        address = address.set(drivername="postgresql+psycopg")
        return create_engine(address, pool_pre_ping=True, max_overflow=-1, hide_parameters=True)
    if address.get_backend_name() != "sqlite":
        raise ValueError(
            f"No such database: {public_name(address)}. Expected a folder, or postgresql://USER@HOST/DATABASE"
        )
    engine = create_engine(address, connect_args={"timeout": WAIT}, max_overflow=-1, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        cursor = connection.cursor()
        for setting in (
            "page_size = 16384",  # of a new one: into 4 KiB a single embedding of 512 numbers fits
            "journal_mode = WAL",  # readers and a writer at the same time
            "synchronous = FULL",  # what is acknowledged survives a power cut
            "secure_delete = ON",  # deleted bytes are overwritten
            "foreign_keys = ON",
            f"busy_timeout = {1000 * WAIT}",
        ):
            cursor.execute(f"PRAGMA {setting}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def public_name(address: URL) -> str:
    """What names a database in a message: its file, or its URL without a password, wherever that stands."""
    if address.get_backend_name() == "sqlite" and address.database:
        return address.database
    shown = address.difference_update_query(["password", "sslpassword"])
    return shown.set(drivername=shown.get_backend_name()).render_as_string(hide_password=True)


def has_ledger(engine: Engine) -> bool:
    """Whether a database has the tables of a ledger; in PostgreSQL, the first schema of the search path.

    Raises:
        ConnectionError: Its server cannot be reached.
    """
    try:
        found = inspect(engine)
    except OperationalError as error:
        raise ConnectionError(f"{public_name(engine.url)} cannot be reached: {error.orig}") from error
    return found.has_table(state.name, schema=found.default_schema_name)


def create(engine: Engine) -> None:
    """Create the tables of a new ledger."""
    with engine.execution_options(writes=True).begin() as connection:
        _metadata.create_all(connection, checkfirst=False)  # a table of another schema would count as there
        connection.execute(state.insert().values(only=1, format=FORMAT, ledger=uuid4().hex, revision=0, settings="{}"))


def drop(engine: Engine) -> None:
    """Delete the tables of a ledger, with all that is in them."""
    with engine.execution_options(writes=True).begin() as connection:
        _metadata.drop_all(connection)


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: whole, or not at all if the block fails or the process is killed.

    One at a time, in whatever process, so that numbers are in the order in which their transactions ended: who has seen a
    number has seen all below it.
    """
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(update(state).values(revision=state.c.revision + 1))  # holds PostgreSQL's other writers up
        yield connection


def check_format(engine: Engine) -> str:
    """Check that the tables are those of a ledger that this version can read; returns the ledger's random name.

    Raises:
        ValueError: They are those of a later version.
        sqlalchemy.exc.DatabaseError: The database is not a ledger.
    """
    with engine.begin() as connection:
        found = connection.execute(select(state.c.format, state.c.ledger)).one()
    if found.format > FORMAT:
        raise ValueError(f"its format is {found.format}, and this version reads up to {FORMAT}; update scalereid")
    return str(found.ledger)


def size(engine: Engine) -> int:
    """Bytes that a database takes."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            pages = connection.exec_driver_sql("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            return int(pages.scalar_one())
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def damages(engine: Engine) -> list[str]:
    """What a database finds wrong with its own files; PostgreSQL checks its pages as it reads them."""
    if engine.dialect.name != "sqlite":
        return []
    with engine.begin() as connection:
        found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        foreign = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    lost = [f"row {row[1]} of {row[0]} belongs to a row of {row[2]} that is not there" for row in foreign]
    return [each for each in found if each != "ok"] + lost
