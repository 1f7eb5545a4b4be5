from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from scalereid.inference.runtimes import TorchRuntime, _without_tf32
from scalereid.models import cuda_graphs as module
from scalereid.models.building import build_model
from scalereid.models.cuda_graphs import Recordings


class Played:
    """In place of a recording, where there is no GPU."""

    made: ClassVar[list["Played"]] = []

    def __init__(self, function: Any, pixels: Tensor, pool: Any) -> None:
        if function is refused:
            raise RuntimeError("out of memory")
        assert pool is (self.made[0].graph if self.made else None)  # all share the first one's
        self.function, self.size, self.calls = function, len(pixels), 0
        self.graph: Played = self
        self.made.append(self)

    def pool(self) -> "Played":
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
def played(monkeypatch: pytest.MonkeyPatch) -> list[Played]:
    Played.made = []
    monkeypatch.setattr(module, "_Recording", Played)
    monkeypatch.setattr(module, "_seconds", lambda one: 2.0 if one.function is slow_means else 1.0)
    return Played.made


@pytest.mark.parametrize("n", [1, 3, 8, 129, 300])
def test_batches_are_filled_up_and_split(played: list[Played], n: int) -> None:
    pixels = torch.randint(0, 256, (n, 4, 2, 3), dtype=torch.uint8)
    recordings = Recordings([means])
    for _ in range(2):
        torch.testing.assert_close(recordings(pixels), means(pixels))
    sizes = {1: [1], 3: [4], 8: [8], 129: [128, 1], 300: [128, 64]}[n]
    assert [one.size for one in played] == sizes  # made once each


def test_the_quickest_is_kept(played: list[Played]) -> None:
    recordings = Recordings([slow_means, means])
    recordings(torch.zeros(5, 4, 2, 3, dtype=torch.uint8))
    assert [(one.function, one.calls) for one in played] == [(slow_means, 0), (means, 1)]


def test_one_that_cannot_be_recorded_does_not_spoil_the_other(played: list[Played]) -> None:
    recordings = Recordings([means, refused])
    pixels = torch.randint(0, 256, (5, 4, 2, 3), dtype=torch.uint8)
    torch.testing.assert_close(recordings(pixels), means(pixels))
    assert [one.calls for one in played] == [1]


def test_what_cannot_be_recorded_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(module, "_Recording", refuse)
    pixels = torch.randint(0, 256, (3, 4, 2, 3), dtype=torch.uint8)
    recordings = Recordings([means])
    with pytest.warns(UserWarning, match="cannot be recorded, so embedding is slower: operation not permitted"):
        torch.testing.assert_close(recordings(pixels), means(pixels))
    torch.testing.assert_close(recordings(pixels), means(pixels))  # and says so once
    with pytest.raises(ValueError, match="no function to record"):
        Recordings([])


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
def test_replayed_on_a_gpu_as_on_the_cpu(precision: Any) -> None:
    model = build_model("osnet_x0_25").eval()
    runtime = TorchRuntime(model, precision, torch.device("cuda"))
    assert isinstance(runtime.compute, Recordings)
    reference = TorchRuntime(model, "float32", torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    for n in (1, 5, 5, 70, 130):
        pixels = torch.randint(0, 256, (n, 128, 64, 3), dtype=torch.uint8, generator=generator).numpy()
        a, b = torch.from_numpy(runtime(pixels)), torch.from_numpy(reference(pixels))
        assert torch.nn.functional.cosine_similarity(a, b).min() > (0.9999 if precision == "float32" else 0.95)
    assert {key[0] for key in runtime.compute.recorded} == {1, 2, 8, 128}


def test_float32_is_not_tf32_and_the_setting_comes_back() -> None:
    before = torch.backends.cudnn.allow_tf32
    with pytest.raises(ZeroDivisionError), _without_tf32():
        assert torch.backends.cudnn.allow_tf32 is False
        _ = 1 / 0
    assert torch.backends.cudnn.allow_tf32 is before
