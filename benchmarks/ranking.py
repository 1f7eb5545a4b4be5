"""Scoring, re-ranking and search at Market-1501's and MSMT17's sizes: CPU seconds and memory, against the bare matrix product.

    python benchmarks/ranking.py [--threads N] [--rounds N] [--sizes market1501 msmt17] [--write]

Embeddings are drawn around a centre for each person, 512-d. Each round runs every task once, so that a busy machine slows
all of them; figures are medians. Memory is what a task needs beyond the embeddings. Where torchreid is importable it is
measured in the same rounds. --write puts the table into docs/benchmarks.md.
"""

import argparse
import importlib.util
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import page
import torch

from scalereid import Reranking, rerank, score, search


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

    def product(self) -> None:
        query, gallery = self.embeddings
        for start in range(0, len(query), 256):
            query[start : start + 256] @ gallery.T

    def score(self) -> None:
        score(*self.embeddings, **self.labels)

    def search(self) -> None:
        query, gallery = self.embeddings
        search(query, gallery)

    def rerank(self) -> None:
        rerank(*self.embeddings)

    def score_reranked(self) -> None:
        score(*self.embeddings, **self.labels, distance="euclidean", rerank=Reranking())

    def torchreid(self) -> None:
        from torchreid import metrics  # type: ignore[import-not-found]

        distances = metrics.compute_distance_matrix(*self.embeddings, "cosine").numpy()
        metrics.evaluate_rank(distances, *self.pids, *self.camids)


def memory(field: str) -> int:
    """A field of /proc/self/status in MB."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) // 1024


def measure(task: Callable[[], None]) -> tuple[float, int]:
    """CPU seconds and, on Linux, the peak of memory in MB beyond what there was before."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = memory("VmRSS")
    started = time.process_time()
    task()
    return time.process_time() - started, memory("VmHWM") - before


def table(sizes: str, rounds: int, threads: int) -> str:
    """Each task in a process of its own, so that it cannot reuse memory which another one freed."""
    tasks = {"the bare matrix product": "product", "`score`, with mAP, mINP and CMC": "score"}
    tasks |= {"`search`, the 5 nearest": "search"}
    if sizes == "market1501":
        tasks |= {"`rerank`, the whole matrix of distances": "rerank"}
        if importlib.util.find_spec("torchreid"):
            tasks |= {"torchreid: distances and ranking": "torchreid"}
    tasks |= {"`score(…, rerank=Reranking())`": "score_reranked"}
    found: dict[str, list[tuple[float, int]]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            command = [sys.executable, __file__, "--sizes", sizes, "--task", task, "--threads", str(threads)]
            seconds, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            found[name].append((float(seconds), int(peak)))
    product = statistics.median(seconds for seconds, _ in found["the bare matrix product"])
    lines = []
    for name, values in found.items():
        times = [value for value, _ in values]
        middle = statistics.median(times)
        spread = f"{middle:.2f} ({min(times):.2f}–{max(times):.2f})"
        lines.append(f"| {name} | {spread} | {middle / product:.2f} | {max(peak for _, peak in values)} MB |")
    s = SIZES[sizes]
    head = f"| {sizes}: {s.queries:,} × {s.gallery:,} | CPU seconds (lowest–highest) | products | memory |\n|---|---|---|---|\n"
    return head + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", nargs="+", default=["market1501"], choices=SIZES)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--task", help="measure this task alone, in this process")
    arguments = parser.parse_args()
    if arguments.task:
        torch.set_num_threads(arguments.threads)
        print(*measure(getattr(Data(SIZES[arguments.sizes[0]]), arguments.task)))
        return
    tables = "\n".join(table(sizes, arguments.rounds, arguments.threads) for sizes in arguments.sizes)
    print(tables)
    if arguments.write:
        page.write("ranking", tables)


if __name__ == "__main__":
    main()
