"""CUDA graphs: a function's kernels on a GPU, captured once and replayed with one launch.

OSNet has hundreds of small kernels, which the GPU runs in less time than the host takes to launch them one by one.
"""

import threading
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Compute = Callable[[Tensor], Tensor]
WARM_UP = 3  # calls before capturing: libraries choose their kernels and allocate their workspaces
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)  # of batches
_TRIALS = 10  # replays that are timed
_CAPTURING = threading.Lock()  # one capture at a time in a process


class CudaGraph:
    """A function of tensors on a GPU, to be captured after a few eager calls.

    A graph reads and writes memory of its own: inputs are copied in, and the values that it returns hold until the next replay.
    """

    def __init__(self, function: Callable[..., Tensor], device: torch.device) -> None:
        self.function, self.device = function, device
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.reset()

    def reset(self) -> None:
        """Forget what was captured."""
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: list[Tensor] = []
        self.values = torch.empty(0)

    @property
    def captured(self) -> bool:
        """True if it can be replayed."""
        return self.graph is not None

    def eager(self, *inputs: Tensor) -> Tensor:
        """Call the function uncaptured, on the stream that is captured later, as autograd remembers its streams."""
        self.stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.stream):
            values = self.function(*inputs)
        torch.cuda.current_stream(self.device).wait_stream(self.stream)
        return values

    def capture(self, *inputs: Tensor, warm_up: int = 0, pool: Any = None) -> None:
        """Capture the function for inputs of these shapes, after `warm_up` eager calls.

        Args:
            inputs: Copied; nothing is computed from them but in the eager calls.
            warm_up: Number of eager calls; `WARM_UP`, unless there were as many before.
            pool: Another graph's memory to share.

        Raises:
            RuntimeError: The function asks the host something, or there is not enough memory.
        """
        self.inputs = [tensor.clone() for tensor in inputs]
        with _CAPTURING:
            for _ in range(warm_up):
                self.eager(*self.inputs)
            graph = torch.cuda.CUDAGraph()
            # Other threads may go on using the GPU: one may be reading the next batches.
            with torch.cuda.graph(graph, pool=pool, stream=self.stream, capture_error_mode="thread_local"):
                self.values = self.function(*self.inputs)
        self.graph = graph

    @property
    def pool(self) -> Any:
        """The captured graph's memory, for graphs that are never replayed at the same time."""
        assert self.graph is not None, "nothing is captured"
        return self.graph.pool()

    def replay(self) -> None:
        """Compute again from the inputs that it has."""
        assert self.graph is not None, "nothing is captured"
        self.graph.replay()

    def __call__(self, *inputs: Tensor) -> Tensor:
        """The function's values of inputs with the captured shapes; the next call overwrites them."""
        for own, given in zip(self.inputs, inputs, strict=True):
            own.copy_(given)
        self.replay()
        return self.values


class CapturedSizes:
    """Pixels (n, height, width, 3) on a GPU to what the quickest of several equal functions computes from them.

    A graph is for a fixed number of images: there is one for each of a few sizes, captured when it is first needed, and a
    batch is filled up to the next size. Which function is the quickest is measured for each.

    Raises:
        ValueError: There is no function.
    """

    def __init__(self, functions: Sequence[Compute]) -> None:
        if not functions:
            raise ValueError("No function to capture: give at least one")
        self.functions = functions
        self.captured: dict[tuple[int, ...], Compute] = {}
        self.lock = threading.Lock()  # a graph reads and writes memory of its own
        self.pool: Any = None  # of memory, which all graphs share, as no two are replayed at once

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
        if filled.shape not in self.captured:
            self.captured[filled.shape] = self._capture(filled)
        return self.captured[filled.shape](filled)[: len(pixels)].clone()  # the next replay overwrites it

    def _capture(self, pixels: Tensor) -> Compute:
        graphs, reason = [], ""
        for function in self.functions:
            graph = CudaGraph(function, pixels.device)
            try:
                graph.capture(pixels, warm_up=WARM_UP, pool=self.pool)
            except RuntimeError as error:  # it asks the host something, or there is not enough memory
                reason = str(error).splitlines()[0]
            else:
                graphs.append(graph)
                self.pool = graph.pool
        if not graphs:
            message = f"This network cannot be captured as a CUDA graph, so embedding is slower: {reason}"
            warnings.warn(message, stacklevel=4)
            return self.functions[0]
        return min(graphs, key=_seconds)


def _seconds(graph: CudaGraph) -> float:
    torch.cuda.synchronize(graph.device)
    started = time.perf_counter()
    for _ in range(_TRIALS):
        graph.replay()
    torch.cuda.synchronize(graph.device)
    return time.perf_counter() - started
