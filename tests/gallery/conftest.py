"""A ledger, on each of the databases that can hold one."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine

from scalereid.gallery import schema
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import NewSighting, Seen
from tests.gallery.servers import MilvusServer, PostgresServer

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


LEDGERS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.engines)]
INDEXES = [  # each kind of index, with each kind of ledger that it could notice
    ("sqlite", "exact"),
    pytest.param("sqlite", "milvus", marks=pytest.mark.engines),
    pytest.param("postgresql", "exact", marks=pytest.mark.engines),
    pytest.param("postgresql", "pgvector", marks=pytest.mark.engines),
]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server of PostgreSQL with pgvector, for all tests."""
    server = PostgresServer(Path(tempfile.mkdtemp(prefix="postgres-")))  # where another user may go, with a short name
    yield server
    server.stop()


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """A server of Milvus, for all tests."""
    server = MilvusServer(tmp_path_factory.mktemp("milvus") / "data")
    yield server
    server.stop()


@pytest.fixture(params=LEDGERS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database without a ledger."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.url(f"t{uuid4().hex}")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """An empty ledger's database."""
    engine = schema.connect(url)
    schema.create(engine)
    yield engine
    schema.drop(engine)
    engine.dispose()


@pytest.fixture
def contents(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], bytes]:
    """Reads every byte of the files that were written since: of the database, its log included, and of an index beside it."""
    folders, start = [tmp_path], time.time()
    if url.startswith("postgresql"):
        folders.append(request.getfixturevalue("postgres").folder)
    return lambda: b"".join(bytes_in(folder, start) for folder in folders)


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


def bytes_in(folder: Path, since: float = 0) -> bytes:
    """Of all files below a folder that were written since then, as far as they stay there."""
    found = []
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):
            found.append(file.read_bytes() if file.is_file() and file.stat().st_mtime >= since - 1 else b"")
    return b"\n".join(found)


def vectors(number: int, size: int = 8, seed: int = 0) -> NDArray[np.float32]:
    """Random embeddings of length 1."""
    drawn = np.random.default_rng(seed).standard_normal((number, size)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def new_sightings(number: int, *, start: int = 0, size: int = 8) -> list[NewSighting]:
    """Sightings one minute apart, by three cameras in turn."""
    return [
        NewSighting(
            Seen(f"{i}.jpg", camera=f"c{i % 3}", time=START + timedelta(minutes=i), box=(1.0, 2.0, 3.5, 4.0)),
            digest=f"digest-{i}",
            vector=vector,
            crop=b"jpeg of %d" % i,
        )
        for i, vector in enumerate(vectors(number, size, seed=start), start)
    ]
