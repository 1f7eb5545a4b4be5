"""Each function that is written in ONNX here, computed by ONNX Runtime and by torch."""

from collections.abc import Callable
from functools import reduce
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from scalereid.inference.export.onnx_model import onnx_model
from scalereid.inference.export.operators import _WRITERS
from scalereid.inference.export.recording import NotRecordedError, record
from scalereid.inference.runtimes.onnx_runtime import open_session

CHANNELS = 4


class Of(nn.Module):
    """A network of one function, with numbers for it."""

    kernel: Tensor
    numbers: Tensor
    matrix: Tensor

    def __init__(self, function: Callable[["Of", Tensor], Tensor]) -> None:
        super().__init__()
        self.function, rng = function, torch.Generator().manual_seed(0)
        self.register_buffer("kernel", torch.randn(6, CHANNELS // 2, 3, 2, generator=rng))
        self.register_buffer("numbers", torch.rand(CHANNELS, generator=rng) + 0.5)
        self.register_buffer("matrix", torch.randn(7, CHANNELS, generator=rng))

    def forward(self, images: Tensor) -> Tensor:
        return self.function(self, images)


FUNCTIONS: dict[str, Callable[[Of, Tensor], Tensor]] = {
    "convolution": lambda n, x: functional.conv2d(x, n.kernel, None, (2, 1), (1, 0), (1, 2), 2),
    "convolution, one number": lambda n, x: torch.conv2d(x, n.kernel, n.kernel[:, 0, 0, 0], padding=2, groups=2),
    "linear": lambda n, x: functional.linear(x.mean((2, 3)), n.matrix, n.matrix[:, 0]),
    "linear, no bias": lambda n, x: functional.linear(x.amax(dim=(-1, -2)), n.matrix),
    "batch norm": lambda n, x: functional.batch_norm(x, -n.numbers, n.numbers, n.numbers, n.numbers, eps=0.1),
    "instance norm": lambda n, x: functional.instance_norm(x, weight=n.numbers, bias=-n.numbers, eps=0.1),
    "average pooling": lambda _, x: functional.avg_pool2d(x, 2),
    "average pooling, padded": lambda _, x: functional.avg_pool2d(x, (3, 2), 1, 1, count_include_pad=False),
    "max pooling": lambda _, x: functional.max_pool2d(x, 3, stride=2, padding=1, dilation=(1, 2)),
    "global average pooling": lambda _, x: functional.adaptive_avg_pool2d(x, 1),
    "global max pooling": lambda _, x: functional.adaptive_max_pool2d(x, (1, 1)),
    "sums": lambda _, x: x.sum(1, keepdim=True) + x.sum((2, 3), keepdim=True),
    "relu": lambda _, x: torch.relu(x) + functional.relu(x * -1, inplace=True),
    "sigmoid": lambda _, x: x.sigmoid() + torch.sigmoid(2 * x),
    "arithmetic": lambda n, x: (x * 3 - n.numbers[0]) / (n.numbers[:, None, None] + 2 + x.detach()),
    "powers": lambda n, x: x.clamp_min(0.5).pow(1 / n.numbers[0]) + x.clamp_min(1e-6) ** 3,
    "clip": lambda _, x: functional.hardtanh(x * 9, 0, 6) + functional.hardtanh(x),
    "softmax": lambda _, x: x.softmax(dim=1) + torch.softmax(x, -1),
    "concatenation": lambda _, x: torch.cat([x, x * 2, x.detach()], dim=1) + torch.cat((x, x, x), 1),
    "parts": lambda _, x: reduce(torch.add, [part * n for n, part in enumerate(x.unbind(dim=1), 1)]),
    "new shapes": lambda _, x: torch.unflatten(x, 1, (2, 2)).flatten(2).reshape(-1, 4, 30).view(-1, 120),
    "order": lambda _, x: x.permute(0, 2, 3, 1).contiguous() + x.permute((0, 2, -1, 1)).float().to(torch.float32),
}


def computed(network: nn.Module, images: Tensor, folder: Path) -> list[NDArray[np.float32]]:
    """What ONNX Runtime computes of one image, of two and of five."""
    model = onnx_model(record(network, images[:1]), images[:1])
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, str(folder / "x.onnx"))
    session = open_session(folder / "x.onnx", threads=1)
    return [session.run(None, {"images": images[:n].numpy()})[0] for n in (1, 2, 5)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_torch_and_onnx_give_the_same(name: str, tmp_path: Path) -> None:
    network = Of(FUNCTIONS[name])
    images = torch.randn(5, CHANNELS, 6, 5, generator=torch.Generator().manual_seed(1))
    for found in computed(network, images, tmp_path):
        expected = network(images[: len(found)].clone())  # some write into it
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_every_function_is_tried() -> None:
    image, tried = torch.ones(1, CHANNELS, 6, 5), set()
    for function in FUNCTIONS.values():
        tried |= {call.function for call in record(Of(function), image).calls}
    assert tried == {*_WRITERS}


def test_pixels_and_what_the_file_says_of_itself(tmp_path: Path) -> None:
    network = Of(lambda n, x: functional.linear(x.float().mean((1, 2)), n.matrix))
    pixels = torch.randint(0, 256, (5, 6, 3, CHANNELS), dtype=torch.uint8)
    *_, found = computed(network, pixels, tmp_path)
    np.testing.assert_allclose(found, network(pixels), rtol=1e-4)
    model = onnx.load(str(tmp_path / "x.onnx"))
    assert [each.name for each in model.graph.initializer][:1] == ["matrix"]
    assert (model.producer_name, model.ir_version) == ("scalereid", 10)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda _, x: x.cumsum(1), "cumsum is not known"),
        (lambda _, x: x.mT, "__get__ is not known"),
        (lambda _, x: functional.avg_pool2d(x, 2, ceil_mode=True), "average pooling of another kind"),
        (lambda _, x: functional.max_pool2d(x, 2, ceil_mode=True), "max pooling of another kind"),
        (lambda _, x: functional.adaptive_avg_pool2d(x, 2), "pooling to more than one number"),
        (lambda _, x: functional.instance_norm(x), "instance norm of another kind"),
        (lambda n, x: functional.batch_norm(x, None, None, training=True), "batch norm of another kind"),  # noqa: ARG005
        (lambda n, x: functional.conv2d(x, n.kernel, padding="valid", groups=2), "is not for height and width"),
        (lambda n, x: functional.linear(x.permute(0, 2, 3, 1), n.matrix), "linear of more than two dimensions"),
        (lambda n, x: torch.add(x, x, alpha=2), "add: got an unexpected keyword argument 'alpha'"),  # noqa: ARG005
        (lambda _, x: x.mean(0).flatten(1), "flatten of several images"),
        (lambda _, x: x.split(2, dim=1)[0], "split is not known"),
    ],
)
def test_what_is_left_to_torch(function: Callable[[Of, Tensor], Tensor], reason: str) -> None:
    image = torch.zeros(1, CHANNELS, 6, 5)
    with pytest.raises(NotRecordedError, match=reason):
        onnx_model(record(Of(function), image), image)
