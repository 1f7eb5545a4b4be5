"""How fast runtimes are on this machine."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf

import numpy as np
from numpy.typing import NDArray

from scalereid.data.image_size import ImageSize
from scalereid.inference.runtimes import Runtime

_ROUNDS = 5
_HOPELESS = 1.5  # times the fastest: what a disturbed round may cost
_MOST = 8  # images in a batch; more only take longer


def measure(runtimes: Sequence[Runtime], image_size: ImageSize, batch_size: int) -> list[float]:
    """Seconds that each runtime takes for one of many batches: the fastest of a few rounds, in turn, after a warm-up."""
    pixels = _pixels(image_size, batch_size)
    _warm_up(runtimes, pixels)
    times: list[list[float]] = [[] for _ in runtimes]
    for _ in range(_ROUNDS):
        for runtime, measured in zip(runtimes, times, strict=True):
            measured.append(_seconds(runtime, pixels))
    return [min(measured) for measured in times]


def fastest(runtimes: Sequence[Runtime], image_size: ImageSize, batch_size: int) -> int:
    """The number of the fastest runtime for many batches, each by its fastest round after a warm-up.

    A round is all that those get which take much longer than another one in it.
    """
    pixels, left = _pixels(image_size, batch_size), [*range(len(runtimes))]
    _warm_up(runtimes, pixels)
    best = [inf] * len(runtimes)
    for _ in range(_ROUNDS):
        for number in left:
            best[number] = min(best[number], _seconds(runtimes[number], pixels))
        left = [number for number in left if best[number] < _HOPELESS * min(best)]
        if len(left) == 1:
            break
    return best.index(min(best))


def _pixels(image_size: ImageSize, batch_size: int) -> NDArray[np.uint8]:
    return np.zeros((min(batch_size, _MOST), *image_size, 3), np.uint8)


def _warm_up(runtimes: Sequence[Runtime], pixels: NDArray[np.uint8]) -> None:
    for runtime in runtimes:
        _compute_many(runtime, pixels, runtime.workers)


def _seconds(runtime: Runtime, pixels: NDArray[np.uint8]) -> float:
    """Seconds for one of as many batches as are computed at once."""
    started = time.perf_counter()
    _compute_many(runtime, pixels, runtime.workers)
    return (time.perf_counter() - started) / runtime.workers


def _compute_many(runtime: Runtime, pixels: NDArray[np.uint8], batches: int) -> None:
    if runtime.workers == 1:  # in this thread: torch would start other threads for another one
        for _ in range(batches):
            runtime(pixels)
        return
    with ThreadPoolExecutor(runtime.workers) as pool:
        list(pool.map(lambda _: runtime(pixels, concurrent=True), range(batches)))
