"""Time of a search in a gallery on each engine, in turn: the exact index, pgvector and Milvus, unfiltered and with two filters.

python -m benchmarks.gallery_engines [SIGHTINGS] [LENGTH] [ROUNDS]

Starts servers of PostgreSQL and Milvus on this machine, as the tests do; their packages are in the extra `dev`.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from tests.gallery.servers import MilvusServer, PostgresServer

from scalereid.gallery import schema
from scalereid.gallery.filters import Filter
from scalereid.gallery.indexes import Index, open_index
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.sightings import NewSighting, Seen

TOP, AT_ONCE = 20, 2000
WHERE = {"all": Filter(), "1 %": Filter(cameras=("rare",)), "50 %": Filter(cameras=("common",))}


def fill(ledger: Ledger, vectors: NDArray[np.float32], rng: np.random.Generator) -> float:
    """Seconds to add sightings, one hundredth by one camera, and half by another."""
    cameras = rng.choice(["rare", "common", "other"], len(vectors), p=[0.01, 0.5, 0.49])
    started = time.perf_counter()
    for start in range(0, len(vectors), AT_ONCE):
        new = [
            NewSighting(Seen(f"{i}.jpg", camera=str(cameras[i])), f"digest-{i}", vectors[i])
            for i in range(start, min(start + AT_ONCE, len(vectors)))
        ]
        ledger.add(1, new)
    return time.perf_counter() - started


def main(sightings: str = "50000", length: str = "512", rounds: str = "15") -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((int(sightings), int(length)), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    folder = Path(tempfile.mkdtemp(prefix="engines-"))
    data = Path(tempfile.mkdtemp(prefix="postgres-"))
    postgres, milvus = PostgresServer(data), MilvusServer(folder / "milvus", tick=200)
    ledgers = {}
    for name, url in (("SQLite", f"sqlite:///{folder / 'ledger'}"), ("PostgreSQL", postgres.url("gallery"))):
        engine = schema.connect(url)
        schema.create(engine)
        ledgers[name] = Ledger(engine)
        ledgers[name].add_model("a" * 12, "{}")
        seconds = fill(ledgers[name], vectors, np.random.default_rng(1))
        print(f"{name}: added in {seconds:.1f} s, {schema.size(engine) / 1e6:.0f} MB", flush=True)
    indexes: dict[str, Index] = {}
    for name, ledger, kind in (
        ("SQLite, exact", "SQLite", "exact"),
        ("PostgreSQL, exact", "PostgreSQL", "exact"),
        ("PostgreSQL, pgvector", "PostgreSQL", "pgvector"),
        ("SQLite, Milvus", "SQLite", milvus.uri),
    ):
        own = ledgers[ledger]
        indexes[name] = open_index(kind, folder / ledger, own, own.models()[0])
        started = time.perf_counter()
        indexes[name].catch_up()
        print(f"{name}: index written in {time.perf_counter() - started:.1f} s", flush=True)
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(int(rounds)):
        query = rng.standard_normal((1, int(length)), dtype=np.float32)
        for what, where in WHERE.items():
            found = {}
            for name, index in indexes.items():
                started = time.perf_counter()
                found[name] = index.search(query, TOP, where).sightings.tolist()
                times.setdefault((name, what), []).append(1000 * (time.perf_counter() - started))
            assert all(numbers == found["SQLite, exact"] for numbers in found.values()), what
    print(f"ms a search, {sightings} × {length}, top {TOP}, median of {rounds}: {', '.join(WHERE)}")
    for name in indexes:
        print(f"{name}: {', '.join(f'{median(times[name, what]):.1f}' for what in WHERE)}")
    for each in ledgers.values():
        each.close()
    milvus.stop()
    postgres.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
