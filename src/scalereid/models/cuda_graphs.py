"""A network's kernels on a GPU, recorded once for each of a few batch sizes and replayed."""

import threading
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Compute = Callable[[Tensor], Tensor]
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
_WARM_UP = 3  # runs before recording: libraries choose their kernels and allocate their workspaces
_TRIALS = 10  # replays that are timed
_ONE_AT_A_TIME = threading.Lock()  # recordings in a process


class Recordings:
    """Pixels (n, height, width, 3) on a GPU to what the quickest of several equal functions makes of them.

    OSNet has four hundred small kernels, which the GPU runs in less time than the host takes to launch them. So they are
    recorded as a CUDA graph and launched as one. A recording is for a known number of images: there is one for each of a few,
    made when it is first needed, and a batch is filled up to the next. Which function is the quickest is measured for each.

    Raises:
        ValueError: there is no function.
    """

    def __init__(self, functions: Sequence[Compute]) -> None:
        if not functions:
            raise ValueError("there is no function to record")
        self.functions = functions
        self.recorded: dict[tuple[int, ...], Compute] = {}
        self.lock = threading.Lock()  # a recording reads and writes memory of its own
        self.pool: Any = None  # which all share, as no two are played at once

    def __call__(self, pixels: Tensor) -> Tensor:
        """The function's values, (n, …), ready. May be called from several threads."""
        with self.lock:
            values = torch.cat([self._part(part) for part in torch.split(pixels, _SIZES[-1])])
            if values.is_cuda:
                torch.cuda.current_stream(values.device).synchronize()
            return values

    def _part(self, pixels: Tensor) -> Tensor:
        size = next(size for size in _SIZES if size >= len(pixels))
        filled = pixels.new_zeros((size, *pixels.shape[1:]))
        filled[: len(pixels)] = pixels
        if filled.shape not in self.recorded:
            self.recorded[filled.shape] = self._record(filled)
        return self.recorded[filled.shape](filled)[: len(pixels)].clone()  # the next replay writes over it

    def _record(self, pixels: Tensor) -> Compute:
        recordings, reason = [], ""
        for function in self.functions:
            try:
                with _ONE_AT_A_TIME:
                    recordings.append(_Recording(function, pixels, self.pool))
            except RuntimeError as error:  # it asks the host something, or there is no memory left
                reason = str(error).splitlines()[0]
            else:
                self.pool = recordings[-1].graph.pool()
        if not recordings:
            warnings.warn(f"this network cannot be recorded, so embedding is slower: {reason}", stacklevel=4)
            return self.functions[0]
        return min(recordings, key=_seconds)


class _Recording:
    def __init__(self, function: Compute, pixels: Tensor, pool: Any) -> None:
        self.pixels = pixels.clone()
        stream = torch.cuda.Stream(pixels.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(pixels.device))
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                function(self.pixels)
        torch.cuda.current_stream(pixels.device).wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        # Other threads may go on talking to the GPU.
        with torch.cuda.graph(self.graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            self.values = function(self.pixels)

    def __call__(self, pixels: Tensor) -> Tensor:
        self.pixels.copy_(pixels)
        self.graph.replay()
        return self.values


def _seconds(recording: _Recording) -> float:
    torch.cuda.synchronize(recording.pixels.device)
    started = time.perf_counter()
    for _ in range(_TRIALS):
        recording.graph.replay()
    torch.cuda.synchronize(recording.pixels.device)
    return time.perf_counter() - started
