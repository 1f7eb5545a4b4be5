"""A gallery at size: search beside its peers, memory, adding, opening again, forgetting.

    python benchmarks/gallery.py search [--sightings 200000] [--embeddings FILE.npy]
    python benchmarks/gallery.py memory [--sightings 1000000]
    python benchmarks/gallery.py add IMAGES WEIGHTS [--sightings 10000]
    python benchmarks/gallery.py open [--sightings 200000] [--events 100000]
    python benchmarks/gallery.py forget [--sightings 50000]

One thread; CPU milliseconds, medians of rounds in which every way runs once, since other programs share the machine.
Embeddings are drawn around a centre for each person, or are those of FILE.npy (n, 512).
faiss (faiss-cpu) is measured where it is importable.
"""

import argparse
import importlib.util
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sqlalchemy import insert

from scalereid import Embedder, PreparedGallery, search
from scalereid.files import write_json
from scalereid.gallery import schema
from scalereid.gallery.adding import add_pictures, find_pictures, from_files
from scalereid.gallery.events import Confirm, Enrol, Merge, Reject, to_text
from scalereid.gallery.filters import Filter
from scalereid.gallery.forgetting import forget
from scalereid.gallery.history import History
from scalereid.gallery.indexes.exact import ExactIndex
from scalereid.gallery.indexes.mapped import ColumnFiles, columns_of
from scalereid.gallery.ledger import Ledger
from scalereid.gallery.naming import NameRule

SIZE, TOP, BLOCK = 512, 20, 10_000
START = datetime(2026, 1, 1, tzinfo=UTC)
Vectors = NDArray[np.float32]


def draw(number: int, seed: int = 0) -> Iterator[Vectors]:
    """Embeddings in blocks, of twenty pictures a person."""
    for start in range(0, number, BLOCK):
        rng = np.random.default_rng([seed, start])
        centres = rng.standard_normal((BLOCK // 20, SIZE), np.float32)
        drawn = centres[rng.integers(0, len(centres), min(BLOCK, number - start))]
        drawn = drawn + 1.5 * rng.standard_normal(drawn.shape, np.float32)
        yield drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def empty_ledger(folder: Path) -> tuple[Ledger, int]:
    folder.mkdir(exist_ok=True)
    engine = schema.connect(f"sqlite:///{folder / 'ledger.sqlite'}")
    schema.create(engine)
    ledger = Ledger(engine)
    return ledger, ledger.add_model("a" * 12, "{}")


def filled(folder: Path, number: int, crop: int = 0) -> tuple[Ledger, ExactIndex]:
    """A ledger and its index, with pictures of `crop` bytes."""
    ledger, model = empty_ledger(folder)
    rng, first = np.random.default_rng(0), 1
    for block in draw(number):
        numbers = range(first, first + len(block))
        with schema.writing(ledger.engine) as connection:
            common = {"camera": "c1", "track": "", "attributes": {}, "added": 0}
            rows = [{"number": n, "digest": f"{n:064}", "source": f"{n}.jpg", "time": n, **common} for n in numbers]
            connection.execute(insert(schema.sightings), rows)
            vectors = [
                {"model": model, "sighting": n, "vector": vector.tobytes()}
                for n, vector in zip(numbers, block, strict=True)
            ]
            connection.execute(insert(schema.embeddings), vectors)
            if crop:
                connection.execute(insert(schema.crops), [{"sighting": n, "jpeg": rng.bytes(crop)} for n in numbers])
        first += len(block)
    return ledger, ExactIndex(folder / "index", ledger, model)


def index_alone(folder: Path, blocks: Iterator[Vectors]) -> ExactIndex:
    """The files of an index, one second between sightings, beside a ledger that has nothing to add to them."""
    ledger, model = empty_ledger(folder)
    index, rows, error = ExactIndex(folder / "index", ledger, model), 0, 0.0
    index.folder.mkdir()
    files = ColumnFiles.new(index.folder)
    for block in blocks:
        numbers = np.arange(rows + 1, rows + len(block) + 1)
        times = 1_000_000 * (numbers + int(START.timestamp()))
        columns, own = columns_of(block, numbers, np.zeros(len(block), np.int32), times)
        files.append(columns, rows)
        rows, error = rows + len(block), max(error, own)
    state = {"ledger": ledger.id, "generation": files.generation, "rows": rows, "size": SIZE, "error": error}
    write_json(index.folder / "state.json", state | {"last_embedding": 0, "last_removal": 0, "cameras": ["c1"]})
    return index


def flat(kind: str, gallery: Vectors) -> Any:
    import faiss  # type: ignore[import-not-found]

    faiss.omp_set_num_threads(1)
    index = faiss.index_factory(SIZE, kind, faiss.METRIC_INNER_PRODUCT)
    index.train(gallery[:20_000])
    index.add(gallery)

    def find(queries: Vectors, mask: NDArray[np.bool_] | None) -> Any:
        if mask is None:
            return index.search(queries, TOP)[1]
        selector = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
        return index.search(queries, TOP, params=faiss.SearchParameters(sel=selector))[1]

    return find


def bare(gallery: Vectors, queries: Vectors, mask: NDArray[np.bool_] | None) -> Any:
    similar = queries @ gallery.T
    if mask is not None:
        similar[:, ~mask] = -np.inf
    return np.argpartition(similar, -TOP, axis=1)[:, -TOP:]


def median(values: list[float]) -> float:
    return statistics.median(values)


def measure_search(number: int, rounds: int, file: str | None) -> None:
    gallery = np.load(file)[:number] if file else np.concatenate([*draw(number)])
    rng = np.random.default_rng(9)
    queries = gallery[rng.integers(0, len(gallery), 32)] + 0.02 * rng.standard_normal((32, SIZE), np.float32)
    shares = {"all": 1.0, "50 %": 0.5, "1 %": 0.01, "0.01 %": 1e-4}
    with tempfile.TemporaryDirectory() as folder:
        blocks = (gallery[start : start + BLOCK] for start in range(0, len(gallery), BLOCK))
        index, ready, matrix = index_alone(Path(folder), blocks), PreparedGallery(gallery), torch.from_numpy(gallery)
        ways: dict[str, Callable[[Vectors, NDArray[np.bool_] | None], Any]] = {
            "reading the float32 once": lambda *_: matrix.sum(),
            "NumPy: product and partition": partial(bare, gallery),
            "`search` in an array": lambda q, mask: search(q, gallery, TOP, mask=mask).indices,
            "`search` in a `PreparedGallery`": lambda q, mask: search(q, ready, TOP, mask=mask).indices,
        }
        if importlib.util.find_spec("faiss"):
            ways |= {f"faiss, {kind}": flat(kind, gallery) for kind in ("Flat", "SQfp16")}
        own = "the gallery's index"
        ways[own] = lambda q, mask: index.search(q, TOP, since(mask)).sightings - 1

        def since(mask: NDArray[np.bool_] | None) -> Filter | None:
            return None if mask is None else Filter(after=START + timedelta(seconds=1 + int(np.argmax(mask))))

        times: dict[tuple[str, str, int], list[float]] = {}
        for _ in range(rounds):
            for share, passing in shares.items():
                mask = None if passing == 1 else np.arange(len(gallery)) >= round((1 - passing) * len(gallery))
                expected = ways["`search` in an array"](queries, mask)
                for name, way in ways.items():
                    for many in (1, 32):
                        started = time.process_time()
                        found = way(queries[:many], mask)
                        times.setdefault((name, share, many), []).append(1e3 * (time.process_time() - started))
                    if name == own:
                        assert (np.where(found < 0, -1, found) == expected).all()
    print(f"| {len(gallery):,} × {SIZE}, CPU ms (of 32 queries) |" + "".join(f" {share} |" for share in shares))
    print("|---|" + "---|" * len(shares))
    for name in ways:
        cells = [f"{median(times[name, share, 1]):.1f} ({median(times[name, share, 32]):.0f})" for share in shares]
        print(f"| {name} | {' | '.join(cells)} |")
    once = times["reading the float32 once", "all", 1]
    for share in shares:
        ratios = [a / b for a, b in zip(times[own, share, 1], once, strict=True)]
        print(f"{share}: {median(ratios):.2f} × reading ({4 * gallery.size / median(once) / 1e6:.1f} GB/s)")


def status(field: str) -> int:
    """A field of /proc/self/status in MB."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) // 1000


def measure_memory(number: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        index_alone(Path(folder), draw(number))
        subprocess.run([sys.executable, __file__, "memory", "--sightings", str(number), "--folder", folder], check=True)


def memory_of(folder: Path) -> None:
    """Of a fresh process."""
    ledger = Ledger(schema.connect(f"sqlite:///{folder / 'ledger.sqlite'}"))
    print(f"before: {status('VmRSS'):,} MB")
    index, queries = ExactIndex(folder / "index", ledger, 1), next(draw(BLOCK))
    queries += 0.02 * np.random.default_rng(1).standard_normal(queries.shape, np.float32)
    for many in (1, 32, 1_000):
        started = time.process_time()
        index.search(queries[:many], TOP)
        seconds = time.process_time() - started
        print(
            f"{many:5} queries: {status('VmRSS'):,} MB, of it files {status('RssFile'):,}; {seconds:.2f} CPU s",
            flush=True,
        )


def measure_add(images: str, weights: str, number: int) -> None:
    files = [str(file) for file in sorted(Path(images).rglob("*.jpg"))[:number]]
    embedder, rule, part = Embedder(weights, runtime="auto"), NameRule(camera_from=r"_c(\d)"), 1_000
    rates: list[float] = []
    totals = [0.0, 0.0, 0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        ledger, model = empty_ledger(Path(folder))
        embedder(files[:64])
        for start in range(0, len(files), part):  # in turn
            own = files[start : start + part]
            before = time.perf_counter(), time.process_time()
            embedder(own)
            between = time.perf_counter(), time.process_time()
            assert len(
                add_pictures(ledger, model, embedder, from_files(find_pictures(own, rule)), len(own)).numbers
            ) == len(own)
            after = time.perf_counter(), time.process_time()
            spent = [b - a for one, two in ((before, between), (between, after)) for a, b in zip(one, two, strict=True)]
            totals = [a + b for a, b in zip(totals, spent, strict=True)]
            rates.append(spent[1] / spent[3])
            print(
                f"{start + len(own):6}: {spent[1]:.1f} and {spent[3]:.1f} CPU s, {spent[1] / spent[3]:.3f}", flush=True
            )
    print(
        f"{len(files)} pictures: embedder {totals[0]:.1f} s, {totals[1]:.1f} CPU s; "
        f"adding {totals[2]:.1f} s, {totals[3]:.1f} CPU s"
    )
    print(f"adding at {median(rates):.1%} of the embedder's rate by CPU time, {totals[0] / totals[2]:.1%} by the clock")


def measure_open(number: int, events: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger, index = filled(Path(folder), number)
        started = time.process_time()
        index.catch_up()
        print(f"index written anew: {time.process_time() - started:.2f} CPU s", flush=True)
        record(ledger, number, events)
        ledger.close()
        command = [sys.executable, __file__, "open", "--folder", folder]
        for _ in range(3):
            subprocess.run(command, check=True)


def record(ledger: Ledger, number: int, events: int) -> None:
    """Mostly enrolments of five; a tenth confirmed as another, a tenth rejected there, a twentieth merged."""
    rows: list[dict[str, Any]] = []
    for n in range(1, events + 1):
        five = tuple(range((5 * n) % (number - 5) + 1, (5 * n) % (number - 5) + 6))
        body: Any = Enrol(five, f"person {n}")
        if n % 10 == 0:
            body = Confirm(n - 1, five)
        elif n % 10 == 3:
            body = Reject(n - 1, (five[0] % number + 5_000,))
        elif n % 20 == 5:
            body = Merge(n - 1, (n - 4,))
        rows.append({"number": n, "at": n, "by": "me", "kind": body.kind, "body": to_text(body)})
    with schema.writing(ledger.engine) as connection:
        connection.execute(insert(schema.events), rows)


def opened(folder: Path) -> None:
    """A fresh process opens a gallery, and searches."""
    query = next(draw(BLOCK, seed=1))[:1]
    clock, cpu = time.perf_counter(), time.process_time()
    ledger = Ledger(schema.connect(f"sqlite:///{folder / 'ledger.sqlite'}"))
    ExactIndex(folder / "index", ledger, 1).search(query, TOP)
    searched = time.process_time() - cpu
    identities = History(ledger.engine).identities()
    print(
        f"opened: ledger, index and first search {searched:.2f} CPU s, with {len(identities.by_number):,} identities "
        f"{time.process_time() - cpu:.2f} CPU s, {time.perf_counter() - clock:.2f} s"
    )


def measure_forget(number: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger, index = filled(Path(folder), number, crop=4_096)
        history = History(ledger.engine)
        index.catch_up()
        print(f"database {(Path(folder) / 'ledger.sqlite').stat().st_size / 1e6:,.0f} MB", flush=True)
        for turn in range(3):
            identity = history.record(Enrol(tuple(range(1_000 * turn + 1, 1_000 * turn + 21)), "Anna")).number
            clock, cpu = time.perf_counter(), time.process_time()
            forget(history, identity=identity)
            index.catch_up()
            print(
                f"forget one of 20 sightings: {time.process_time() - cpu:.2f} CPU s, {time.perf_counter() - clock:.2f} s"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["search", "memory", "add", "open", "forget"])
    parser.add_argument("given", nargs="*", help="add: a folder of images, and weights")
    parser.add_argument("--sightings", type=int)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--embeddings")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.what == "search":
        measure_search(given.sightings or 200_000, given.rounds, given.embeddings)
    elif given.what == "memory":
        memory_of(given.folder) if given.folder else measure_memory(given.sightings or 1_000_000)
    elif given.what == "add":
        measure_add(given.given[0], given.given[1], given.sightings or 10_000)
    elif given.what == "open":
        opened(given.folder) if given.folder else measure_open(given.sightings or 200_000, given.events)
    else:
        measure_forget(given.sightings or 50_000)


if __name__ == "__main__":
    main()
