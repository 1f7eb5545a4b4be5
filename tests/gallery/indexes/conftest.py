"""Indexes of every kind, of ledgers of every kind."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import delete, insert

from scalereid.gallery import schema
from scalereid.gallery.indexes import Hits, Index, open_index
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import NewSighting, Seen
from tests.gallery.conftest import new_sightings, vectors
from tests.gallery.servers import MilvusServer

N = 40
QUERIES = vectors(3, seed=99)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    """The name of an index for `open_index`, by its kind."""
    if request.param != "milvus":
        name: str = request.param
        return name
    server: MilvusServer = request.getfixturevalue("milvus")
    return server.uri


@pytest.fixture
def opened(ledger: Ledger, kind: str, tmp_path: Path) -> Callable[[], Index]:
    """Opens the index of the ledger's first model, as each process does."""

    def open_() -> Index:
        return open_index(kind, tmp_path / "index", ledger, ledger.models()[0])

    return open_


@pytest.fixture
def index(ledger: Ledger, opened: Callable[[], Index]) -> Index:
    """Of a ledger with N sightings, and one of which neither camera nor time is known."""
    model = ledger.add_model("a" * 12, "{}")
    ledger.add(model, [*new_sightings(N), NewSighting(Seen("x", track="t"), "digest-x", vectors(1, seed=7)[0])])
    return opened()


def naive(
    ledger: Ledger, allowed: NDArray[np.int64] | list[int], top: int, queries: NDArray[np.float32] = QUERIES
) -> list[list[int]]:
    """Every similarity, one by one."""
    found = []
    for query in queries.astype(float):
        similar = [
            (-float(query @ vector.astype(float)), number)
            for block in ledger.vectors(1)
            for number, vector in zip(block.sightings.tolist(), block.matrix, strict=True)
            if number in allowed
        ]
        found.append([number for _, number in sorted(similar)][:top])
    return found


def listed(hits: Hits) -> list[list[int]]:
    return [[number for number in row if number >= 0] for row in hits.sightings.tolist()]


def remove(ledger: Ledger, *numbers: int) -> None:
    with schema.writing(ledger.engine) as connection:
        for table in (schema.embeddings, schema.crops):
            connection.execute(delete(table).where(table.c.sighting.in_(numbers)))
        connection.execute(delete(schema.sightings).where(schema.sightings.c.number.in_(numbers)))
        connection.execute(insert(schema.removals), [{"sighting": number} for number in numbers])
