from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scalereid.inference.runtimes.pytorch import PyTorchRuntime, _without_tf32
from scalereid.models.building import build_model
from scalereid.models.cuda_graphs import CapturedSizes
from scalereid.runs.checkpoint import load_model
from tests.inference.conftest import expected, pixels_of

CPU = torch.device("cpu")


def test_the_models_own_embeddings(run: Path, paths: list[Path]) -> None:
    model = load_model(run).train()
    before = [tensor.clone() for tensor in model.state_dict().values()]
    runtime = PyTorchRuntime(model, "float32", CPU)
    np.testing.assert_allclose(runtime(pixels_of(paths)), expected(run, paths), rtol=1e-3, atol=1e-4)
    assert model.training
    assert all(torch.equal(one, other) for one, other in zip(before, model.state_dict().values(), strict=True))
    with torch.no_grad():  # a copy: what happens to the model later does not matter
        for parameter in model.parameters():
            parameter.zero_()
    np.testing.assert_allclose(runtime(pixels_of(paths)), expected(run, paths), rtol=1e-3, atol=1e-4)


def test_concurrent_calls_are_as_any(run: Path, paths: list[Path]) -> None:
    runtime, pixels = PyTorchRuntime(load_model(run), "float32", CPU), pixels_of(paths[:3])
    np.testing.assert_array_equal(runtime(pixels, concurrent=True), runtime(pixels))


def test_half_precision_gives_float32_numbers_near_by(run: Path, paths: list[Path]) -> None:
    found, exact = PyTorchRuntime(load_model(run), "bfloat16", CPU)(pixels_of(paths)), expected(run, paths)
    assert found.dtype == np.float32
    cosines = (exact * found).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(found, axis=1)
    assert 0.98 < cosines.min() < 1 - 1e-6


def test_float32_is_not_tf32_and_the_setting_comes_back() -> None:
    before = torch.backends.cudnn.allow_tf32
    with pytest.raises(ZeroDivisionError), _without_tf32():
        assert torch.backends.cudnn.allow_tf32 is False
        _ = 1 / 0
    assert torch.backends.cudnn.allow_tf32 is before


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
def test_replayed_on_a_gpu_as_on_the_cpu(precision: Any) -> None:
    model = build_model("osnet_x0_25").eval()
    runtime = PyTorchRuntime(model, precision, torch.device("cuda"))
    assert isinstance(runtime.compute, CapturedSizes)
    live = PyTorchRuntime(model, precision, torch.device("cuda"), capture=False)
    assert not isinstance(live.compute, CapturedSizes)
    reference = PyTorchRuntime(model, "float32", CPU)
    generator = torch.Generator().manual_seed(0)
    for n in (1, 5, 5, 70, 130):
        pixels = torch.randint(0, 256, (n, 128, 64, 3), dtype=torch.uint8, generator=generator).numpy()
        exact = torch.from_numpy(reference(pixels))
        for found in (runtime(pixels), live(pixels)):
            cosines = torch.nn.functional.cosine_similarity(torch.from_numpy(found), exact)
            assert cosines.min() > (0.9999 if precision == "float32" else 0.95)
    assert {key[0] for key in runtime.compute.captured} == {1, 2, 8, 128}
