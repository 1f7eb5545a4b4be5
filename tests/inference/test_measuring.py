import threading
import time
from typing import Any

import numpy as np
import pytest

from scalereid.inference.measuring import fastest, measure
from scalereid.inference.metadata import Precision


class Sleeping:
    """A runtime that takes a time for each batch, and a long one for its first."""

    name = "sleeping"
    precision: Precision = "float32"

    def __init__(self, seconds: float, workers: int = 1) -> None:
        self.seconds, self.workers = seconds, workers
        self.calls: list[tuple[int, bool]] = []

    def __call__(self, pixels: Any, *, concurrent: bool = False) -> Any:
        time.sleep(self.seconds if self.calls else 0.2)
        self.calls.append((len(pixels), concurrent and threading.current_thread() is not threading.main_thread()))
        return np.zeros((len(pixels), 4), np.float32)


def test_seconds_of_a_batch_without_the_first_ones() -> None:
    fast, slow, shared = Sleeping(0.002), Sleeping(0.02), Sleeping(0.02, workers=4)
    seconds = measure([fast, slow, shared], (16, 16), 8)
    assert 0.002 <= seconds[0] < 0.015 < seconds[1] < 0.1
    assert seconds[2] == pytest.approx(seconds[1] / 4, rel=0.5)  # four at a time
    assert {*fast.calls, *slow.calls} == {(8, False)}
    assert set(shared.calls) == {(8, True)}
    assert len(fast.calls) == 6  # one to warm up, and one in each of five rounds


def test_large_batches_are_measured_by_smaller_ones() -> None:
    runtime = Sleeping(0)
    measure([runtime], (16, 16), 128)
    assert {n for n, _ in runtime.calls} == {8}


def test_the_fastest_without_many_rounds_of_the_slow_ones() -> None:
    slow, fast, near = Sleeping(0.03), Sleeping(0.01), Sleeping(0.011)
    assert fastest([slow, fast, near], (16, 16), 8) == 1
    assert len(slow.calls) == 2  # one batch to warm up, and one that is enough
    assert len(fast.calls) == len(near.calls) == 6


def test_one_that_is_left_needs_no_more_rounds() -> None:
    slow, fast = Sleeping(0.03), Sleeping(0.001)
    assert fastest([slow, fast], (16, 16), 8) == 1
    assert (len(slow.calls), len(fast.calls)) == (2, 2)
