"""A ledger, on each of the databases that can hold one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine

from scalereid.gallery import schema
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import NewSighting, Seen

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty ledger's database."""
    engine = schema.connect(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    schema.create(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine)


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
