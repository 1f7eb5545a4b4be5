from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scalereid.distributed import own_rows
from scalereid.training.exchange import average_gradients, gather
from scalereid.training.synchronised import synchronise_batch_norms
from tests.together import together

NORMS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "2d": (lambda: nn.BatchNorm2d(3), (8, 3, 5, 4)),
    "1d": (lambda: nn.BatchNorm1d(3), (8, 3)),
    "cumulative": (lambda: nn.BatchNorm2d(3, momentum=None), (8, 3, 2, 2)),
    "not affine": (lambda: nn.BatchNorm2d(3, affine=False), (8, 3, 2, 2)),
    "no statistics": (lambda: nn.BatchNorm2d(3, track_running_stats=False), (8, 3, 2, 2)),
}


def normalised(name: str) -> dict[str, Any]:
    """Outputs of a whole batch, gradients of inputs and weights, and buffers, after two passes."""
    torch.manual_seed(1)
    make, shape = NORMS[name]
    model = nn.Sequential(make()).double()
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    names = [*model.state_dict()]
    synchronise_batch_norms(model)
    assert [*model.state_dict()] == names
    weight = torch.randn(shape, dtype=torch.float64)
    for _ in range(2):
        whole = torch.randn(shape, dtype=torch.float64) * 3 + 1
        images = whole[own_rows()].clone().requires_grad_()
        outputs = gather(model(images))
        (outputs * weight).square().sum().backward()  # type: ignore[no-untyped-call]
    average_gradients(model.parameters())
    assert images.grad is not None
    found: dict[str, Tensor | None] = {"outputs": outputs.detach(), "inputs' gradient": gather(images.grad.clone())}
    found |= {f"{name}'s gradient": parameter.grad for name, parameter in model.named_parameters()}
    model.eval()
    found["evaluated"] = gather(model(images)).detach()
    return {
        key: tensor.numpy() for key, tensor in {**found, **dict(model.named_buffers())}.items() if tensor is not None
    }


@pytest.mark.parametrize("name", NORMS)
def test_shares_are_normalised_as_torch_normalises_the_whole_batch(name: str) -> None:
    expected = normalised(name)
    for found in together(normalised, name):
        assert found.keys() == expected.keys()
        found["inputs' gradient"] /= 2  # of two processes, whose mean is taken
        for key, values in found.items():
            torch.testing.assert_close(values, expected[key], rtol=1e-9, atol=1e-10, msg=key)


def test_one_process_keeps_torchs() -> None:
    model = nn.Sequential(nn.BatchNorm2d(3))
    synchronise_batch_norms(model)
    assert type(model[0]) is nn.BatchNorm2d
