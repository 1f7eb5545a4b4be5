"""Scoring, re-ranking and search at Market-1501's and MSMT17's sizes, and among many images, beside their peers.

    python benchmarks/ranking.py [--threads N] [--rounds N] [--sizes market1501 msmt17] [--galleries 200000 1000000] [--write]

Embeddings are drawn around a centre for each person, 512-d. Each round runs every task once, so that a busy machine slows
all of them; figures are medians, ratios medians of each round's. Memory is what a task needs beyond the embeddings and, of
faiss, beyond its index. faiss (faiss-cpu) is measured in the same rounds where it is importable, torchreid where TORCHREID
names the folder of its unpacked sdist. --write puts the tables into docs/benchmarks.md.
"""

import argparse
import importlib.util
import itertools
import re
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import page
import torch
import torchreid_peer as peer
from numpy.typing import NDArray
from torch.nn import functional

from scalereid import PreparedGallery, Reranking, rank, rerank, score, search
from scalereid.retrieval import int8_product
from scalereid.retrieval.product import products

Task = Callable[[], Any]


class Sizes(NamedTuple):
    queries: int
    gallery: int
    people: int
    cameras: int


SIZES = {"market1501": Sizes(3_368, 15_913, 751, 6), "msmt17": Sizes(11_659, 82_161, 3_060, 15)}


class Data:
    def __init__(self, sizes: Sizes) -> None:
        rng = np.random.default_rng(0)
        centres = rng.standard_normal((sizes.people, 512), np.float32)
        self.embeddings, self.pids, self.camids = [], [], []
        for number in (sizes.queries, sizes.gallery):
            pids = rng.integers(0, sizes.people, number)
            self.embeddings.append(torch.from_numpy(centres[pids] + 2 * rng.standard_normal((number, 512), np.float32)))
            self.pids.append(pids)
            self.camids.append(rng.integers(0, sizes.cameras, number))
        self.labels: dict[str, Any] = {
            "query_pids": self.pids[0],
            "gallery_pids": self.pids[1],
            "query_camids": self.camids[0],
            "gallery_camids": self.camids[1],
        }

    def best_product(self) -> Task:
        query, gallery = self.embeddings
        parts = torch.split(query, 256), torch.split(gallery, 4_096)
        return lambda: drop(products(q, g) for q, g in itertools.product(*parts))

    def torch_product(self) -> Task:
        query, gallery = self.embeddings
        return lambda: drop(q @ gallery.T for q in torch.split(query, 256))

    def numpy_product(self) -> Task:
        query, gallery = (side.numpy() for side in self.embeddings)
        return lambda: drop(query[start : start + 256] @ gallery.T for start in range(0, len(query), 256))

    def score(self) -> Task:
        return lambda: score(*self.embeddings, **self.labels)

    def rank(self) -> Task:
        return lambda: rank(*self.embeddings, **self.labels, top=100)

    def search(self) -> Task:
        query, gallery = self.embeddings
        return lambda: search(query, gallery, 100)

    def faiss(self) -> Task:
        query, gallery = (functional.normalize(side).numpy() for side in self.embeddings)
        index = flat(gallery)
        return lambda: index.search(query, 100)

    def rerank(self) -> Task:
        return lambda: rerank(*self.embeddings)

    def score_reranked(self) -> Task:
        return lambda: score(*self.embeddings, **self.labels, distance="euclidean", rerank=Reranking())

    def torchreid(self) -> Task:
        distance, ranking = peer.load("metrics/distance.py"), peer.load("metrics/rank.py")

        def task() -> None:
            distances = distance.compute_distance_matrix(*self.embeddings, "cosine").numpy()
            ranking.evaluate_rank(distances, *self.pids, *self.camids)

        return task


def drop(values: Iterator[Any]) -> None:
    """Compute them all, and keep none."""
    deque(values, maxlen=0)


def flat(gallery: NDArray[np.float32], kind: str = "Flat") -> Any:
    """faiss's exhaustive search by inner product: of float32, or of what its factory calls `kind`."""
    import faiss  # type: ignore[import-not-found]

    faiss.omp_set_num_threads(torch.get_num_threads())
    index = faiss.index_factory(gallery.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    index.train(gallery[:20_000])
    index.add(gallery)
    return index


def memory(field: str) -> int:
    """A field of /proc/self/status in MB."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) // 1024


def measure(task: Task) -> tuple[float, int]:
    """CPU seconds and, on Linux, the peak of memory in MB beyond what there was before."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = memory("VmRSS")
    started = time.process_time()
    task()
    return time.process_time() - started, memory("VmHWM") - before


def table(sizes: str, rounds: int, threads: int) -> str:
    """Each task in a process of its own, so that it cannot reuse memory which another one freed."""
    best = "the bare matrix product"
    tasks = {best: "best_product", "torch's product": "torch_product", "NumPy's product": "numpy_product"}
    tasks |= {"`score`, with mAP, mINP and CMC": "score", "`rank`, the 100 nearest": "rank"}
    tasks |= {"`search`, the 100 nearest": "search"}
    if importlib.util.find_spec("faiss"):
        tasks |= {"faiss, the 100 nearest, without labels": "faiss"}
    if sizes == "market1501":
        tasks |= {"`rerank`, the whole matrix of distances": "rerank"}
        if peer.given():
            tasks |= {"torchreid: distances and ranking in Python": "torchreid"}
    tasks |= {"`score(…, rerank=Reranking())`": "score_reranked"}
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            command = [sys.executable, __file__, "--sizes", sizes, "--task", task, "--threads", str(threads)]
            seconds, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            found[name].append((float(seconds), int(peak)))
    lines = []
    for name, values in found.items():
        times = [value for value, _ in values]
        spread = f"{statistics.median(times):.2f} ({min(times):.2f}–{max(times):.2f})"
        ratio = statistics.median(own / bare for own, (bare, _) in zip(times, found[best], strict=True))
        lines.append(f"| {name} | {spread} | {ratio:.2f} | {max(peak for _, peak in values)} MB |")
    s = SIZES[sizes]
    head = f"| {sizes}: {s.queries:,} × {s.gallery:,} | CPU seconds (lowest–highest) | products | memory |\n|---|---|---|---|\n"
    return head + "\n".join(lines) + "\n"


def gallery_table(images: int, rounds: int) -> str:
    """The 10 nearest of one query, and of 32, in one process: milliseconds a query."""
    data = Data(Sizes(32, images, images // 20, 6))
    queries, gallery = (functional.normalize(side).numpy() for side in data.embeddings)
    started = time.process_time()
    ready = PreparedGallery(gallery)
    prepared = time.process_time() - started
    ways: dict[str, Callable[[NDArray[np.float32]], Any]] = {
        "NumPy: product and partition": lambda query: np.argpartition(query @ gallery.T, -10, axis=1),
        "`search` in a `PreparedGallery`": lambda query: search(query, ready, 10),
        "… without NumKong": patch.object(int8_product, "_numkong_is_faster", lambda _: False)(
            lambda query: search(query, ready, 10)
        ),
        "`rank` in a `PreparedGallery`": lambda query: rank(query, ready, **data.labels | {
            "query_pids": data.pids[0][: len(query)], "query_camids": data.camids[0][: len(query)]}),
        "`search` in an array": lambda query: search(query, gallery, 10),
    }  # fmt: skip
    if importlib.util.find_spec("faiss"):
        for kind in ("Flat", "SQfp16", "SQ8"):
            ways[f"faiss, {kind}"] = partial(flat(gallery, kind).search, k=10)
    exact = search(queries, gallery, 10).indices
    lines = [
        f"| {images:,} images ({prepared:.1f} s to make ready) | 1 query, ms | 32 queries, ms each | found of the 10 |"
    ]
    lines.append("|---|---|---|---|")
    found: dict[str, list[list[float]]] = {name: [[], []] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            for number, times in zip((1, 32), found[name], strict=True):
                started = time.process_time()
                way(queries[:number])
                times.append(1e3 * (time.process_time() - started) / number)
    for name, way in ways.items():
        result = way(queries)
        indices = np.asarray(result[1] if name.startswith("faiss") else getattr(result, "indices", result))[:, -10:]
        same = (
            np.mean([len({*own} & {*right}) for own, right in zip(indices.tolist(), exact.tolist(), strict=True)]) / 10
        )
        one, many = (statistics.median(times) for times in found[name])
        lines.append(f"| {name} | {one:.1f} | {many:.1f} | {'' if name.startswith('`rank') else f'{same:.4f}'} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", nargs="*", default=["market1501"], choices=SIZES)
    parser.add_argument("--galleries", nargs="*", type=int, default=[200_000])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--task", help="measure this task alone, in this process")
    arguments = parser.parse_args()
    if arguments.task:
        torch.set_num_threads(arguments.threads)
        print(*measure(getattr(Data(SIZES[arguments.sizes[0]]), arguments.task)()))
        return
    tables = "\n".join(table(sizes, arguments.rounds, arguments.threads) for sizes in arguments.sizes)
    print(tables)
    torch.set_num_threads(arguments.threads)
    galleries = "\n".join(gallery_table(images, arguments.rounds) for images in arguments.galleries)
    print(galleries)
    if arguments.write:
        page.write("ranking", tables)
        page.write("gallery", galleries)


if __name__ == "__main__":
    main()
