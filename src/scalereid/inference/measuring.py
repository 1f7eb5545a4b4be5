"""How fast runtimes are on this machine."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from scalereid.data.image_size import ImageSize
from scalereid.inference.runtimes import Runtime

_ROUNDS = 5
_MOST = 16  # images in a batch; more only take longer


def measure(runtimes: Sequence[Runtime], image_size: ImageSize, batch_size: int) -> list[float]:
    """Seconds that each runtime takes for one of many batches: the fastest of a few rounds, in turn, after a warm-up."""
    pixels = np.zeros((min(batch_size, _MOST), *image_size, 3), np.uint8)
    times: list[list[float]] = [[] for _ in runtimes]
    for _ in range(1 + _ROUNDS):
        for runtime, measured in zip(runtimes, times, strict=True):
            started = time.perf_counter()
            _compute_many(runtime, pixels, 2 * runtime.workers)
            measured.append((time.perf_counter() - started) / (2 * runtime.workers))
    return [min(measured[1:]) for measured in times]


def _compute_many(runtime: Runtime, pixels: NDArray[np.uint8], batches: int) -> None:
    if runtime.workers == 1:  # in this thread: torch would start other threads for another one
        for _ in range(batches):
            runtime(pixels)
        return
    with ThreadPoolExecutor(runtime.workers) as pool:
        list(pool.map(lambda _: runtime(pixels, concurrent=True), range(batches)))
