from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from scalereid.models import cuda_graphs as module
from scalereid.models.cuda_graphs import WARM_UP, CapturedSizes, CudaGraph


class Emulated:
    """In place of a CUDA graph, where there is no GPU."""

    made: ClassVar[list["Emulated"]] = []

    def __init__(self, function: Any, device: torch.device) -> None:
        self.function, self.device, self.calls = function, device, 0

    def capture(self, pixels: Tensor, *, warm_up: int, pool: Any) -> None:
        if self.function is refused:
            raise RuntimeError("out of memory")
        assert warm_up == WARM_UP
        assert pool is (self.made[0] if self.made else None)  # all share the first one's
        self.size = len(pixels)
        self.made.append(self)

    @property
    def pool(self) -> "Emulated":
        return self.made[0]

    def __call__(self, pixels: Tensor) -> Tensor:
        assert len(pixels) == self.size
        self.calls += 1
        values: Tensor = self.function(pixels)
        return values


def means(pixels: Tensor) -> Tensor:
    return pixels.float().mean(dim=(1, 2))


def slow_means(pixels: Tensor) -> Tensor:
    return means(pixels)


def refused(pixels: Tensor) -> Tensor:
    raise AssertionError(f"never computed with {len(pixels)}")


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> list[Emulated]:
    Emulated.made = []
    monkeypatch.setattr(module, "CudaGraph", Emulated)
    monkeypatch.setattr(module, "_seconds", lambda one: 2.0 if one.function is slow_means else 1.0)
    return Emulated.made


@pytest.mark.parametrize("n", [1, 3, 8, 129, 300])
def test_batches_are_filled_up_and_split(emulated: list[Emulated], n: int) -> None:
    pixels = torch.randint(0, 256, (n, 4, 2, 3), dtype=torch.uint8)
    captured = CapturedSizes([means])
    for _ in range(2):
        torch.testing.assert_close(captured(pixels), means(pixels))
    sizes = {1: [1], 3: [4], 8: [8], 129: [128, 1], 300: [128, 64]}[n]
    assert [one.size for one in emulated] == sizes  # captured once each


def test_the_quickest_is_kept(emulated: list[Emulated]) -> None:
    captured = CapturedSizes([slow_means, means])
    captured(torch.zeros(5, 4, 2, 3, dtype=torch.uint8))
    assert [(one.function, one.calls) for one in emulated] == [(slow_means, 0), (means, 1)]


def test_one_that_cannot_be_captured_does_not_spoil_the_other(emulated: list[Emulated]) -> None:
    captured = CapturedSizes([means, refused])
    pixels = torch.randint(0, 256, (5, 4, 2, 3), dtype=torch.uint8)
    torch.testing.assert_close(captured(pixels), means(pixels))
    assert [one.calls for one in emulated] == [1]


def test_what_cannot_be_captured_is_computed(emulated: list[Emulated], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(Emulated, "capture", refuse)
    pixels = torch.randint(0, 256, (3, 4, 2, 3), dtype=torch.uint8)
    captured = CapturedSizes([means])
    with pytest.warns(UserWarning, match="cannot be captured .* so embedding is slower: operation not permitted"):
        torch.testing.assert_close(captured(pixels), means(pixels))
    torch.testing.assert_close(captured(pixels), means(pixels))  # and says so once
    assert emulated == []
    with pytest.raises(ValueError, match="No function to capture"):
        CapturedSizes([])


class Cuda:
    """The few names of torch.cuda that a graph uses. What is captured is not computed; a replay computes it."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.captured: Any = None

    def Stream(self, _: torch.device) -> "Cuda":  # noqa: N802 - PyTorch's name
        return self

    def current_stream(self, _: torch.device) -> "Cuda":
        return self

    def wait_stream(self, _: "Cuda") -> None:
        self.events.append("wait")

    @contextmanager
    def stream(self, _: "Cuda") -> Iterator[None]:
        self.events.append("side stream")
        yield

    def CUDAGraph(self) -> "Cuda":  # noqa: N802
        return self

    @contextmanager
    def graph(self, _: "Cuda", *, pool: Any, stream: Any, capture_error_mode: str) -> Iterator[None]:
        assert stream is self
        assert capture_error_mode == "thread_local"
        self.events.append(f"capture into {pool}")
        yield

    def pool(self) -> str:
        return "its pool"

    def replay(self) -> None:
        self.events.append("replay")
        self.captured()


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    cuda = Cuda()
    for name in ("Stream", "current_stream", "stream", "CUDAGraph", "graph"):
        monkeypatch.setattr(torch.cuda, name, getattr(cuda, name))
    return cuda


def test_inputs_are_copied_in_and_values_stay_in_place(cuda: Cuda) -> None:
    values = torch.zeros(3)

    def doubled_sum(one: Tensor, other: Tensor) -> Tensor:
        return torch.mul(one + other, 2, out=values)

    graph = CudaGraph(doubled_sum, torch.device("cpu"))
    cuda.captured = lambda: doubled_sum(*graph.inputs)
    one, other = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0, 20.0, 30.0])
    assert not graph.captured
    graph.capture(one, other, warm_up=2, pool="a pool")
    eager = ["wait", "side stream", "wait"]
    assert cuda.events == [*eager, *eager, "capture into a pool"]
    assert graph.captured
    assert graph.pool == "its pool"
    kept = one.clone()
    assert graph(one + 1, other).tolist() == [24, 46, 68]
    assert torch.equal(one, kept)  # the caller's tensors are not the graph's
    replayed = graph(one, other)
    assert replayed.tolist() == [22, 44, 66]
    assert replayed is values
    with pytest.raises(ValueError, match="zip"):
        graph(one)
    graph.reset()
    assert not graph.captured
    assert graph.eager(one, one).tolist() == [4, 8, 12]


def test_a_capture_that_fails_leaves_nothing(cuda: Cuda) -> None:
    def fails(_: Tensor) -> Tensor:
        raise RuntimeError("operation not permitted when stream is capturing")

    graph = CudaGraph(fails, torch.device("cpu"))
    for _ in range(2):  # the lock is free again
        with pytest.raises(RuntimeError, match="not permitted"):
            graph.capture(torch.ones(1))
        assert not graph.captured
    assert cuda.events == ["capture into None"] * 2


@pytest.mark.gpu
def test_a_graph_computes_what_the_function_computes_on_a_gpu() -> None:
    device = torch.device("cuda")
    layer = torch.nn.Linear(7, 5).to(device)
    graph = CudaGraph(layer, device)
    graph.capture(torch.zeros(3, 7, device=device), warm_up=WARM_UP)
    for _ in range(3):
        inputs = torch.randn(3, 7, device=device)
        torch.testing.assert_close(graph(inputs), layer(inputs))


@pytest.mark.gpu
def test_sizes_are_captured_on_a_gpu() -> None:
    captured = CapturedSizes([means, slow_means])
    for n in (1, 5, 5, 70, 130):
        pixels = torch.randint(0, 256, (n, 8, 4, 3), dtype=torch.uint8, device="cuda")
        torch.testing.assert_close(captured(pixels), means(pixels))
    assert {key[0] for key in captured.captured} == {1, 2, 8, 128}
