"""How fast runtimes are here."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from scalereid.inference.metadata import About
from scalereid.inference.runtimes import Runtime

_ROUNDS = 5
_MOST = 16  # images in a batch; more only take longer


def measure(runtimes: Sequence[Runtime], about: About, batch_size: int) -> list[float]:
    """Seconds that each takes for a batch when there are many: the quickest of a few rounds, in turn, after one to warm up."""
    pixels = np.zeros((min(batch_size, _MOST), *about.image_size, 3), np.uint8)
    times: list[list[float]] = [[] for _ in runtimes]
    for _ in range(1 + _ROUNDS):
        for runtime, measured in zip(runtimes, times, strict=True):
            started = time.perf_counter()
            _compute_many(runtime, pixels, 2 * runtime.lanes)
            measured.append((time.perf_counter() - started) / (2 * runtime.lanes))
    return [min(measured[1:]) for measured in times]


def _compute_many(runtime: Runtime, pixels: NDArray[np.uint8], batches: int) -> None:
    if runtime.lanes == 1:  # in this thread: torch would bring up other threads for another one
        for _ in range(batches):
            runtime(pixels)
        return
    with ThreadPoolExecutor(runtime.lanes) as pool:
        list(pool.map(lambda _: runtime(pixels, lane=True), range(batches)))
