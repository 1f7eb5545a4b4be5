import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from scalereid.models.mobilenet import InvertedResidual, MobileNetV2, conv_norm_relu6, multiple_of_8


def conv_norm(layers: nn.Sequential, maps: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
    """A convolution and a fresh batch norm in evaluation, which divides by √(1 + ε)."""
    weight = layers.get_parameter("0.weight")
    padding = weight.shape[-1] // 2
    return functional.conv2d(maps, weight, stride=stride, padding=padding, groups=groups) / (1 + 1e-5) ** 0.5


@pytest.mark.parametrize(
    ("inputs", "outputs", "expansion", "stride", "has_shortcut"),
    [(8, 8, 6, 1, True), (8, 16, 6, 1, False), (8, 8, 6, 2, False), (8, 8, 1, 1, True)],
)
def test_an_inverted_residual_by_hand(
    inputs: int, outputs: int, expansion: int, stride: int, has_shortcut: bool
) -> None:
    block = InvertedResidual(inputs, outputs, expansion=expansion, stride=stride).eval()
    maps = 3 * torch.randn(2, inputs, 8, 6)
    hidden = maps
    if expansion > 1:
        assert isinstance(block.expand, nn.Sequential)
        hidden = conv_norm(block.expand, maps).clamp(0, 6)
    hidden = conv_norm(block.depthwise, hidden, stride, groups=expansion * inputs).clamp(0, 6)
    expected = conv_norm(block.project, hidden) + (maps if has_shortcut else 0)
    torch.testing.assert_close(block(maps), expected, rtol=1e-4, atol=1e-5)
    assert block.has_shortcut == has_shortcut


def test_activations_are_clipped_at_6() -> None:
    layers = conv_norm_relu6(4, 8, 3)
    maps = layers(100 * torch.randn(2, 4, 9, 7).abs())
    assert maps.shape == (2, 8, 9, 7)
    assert 0 == maps.min() < maps.max() <= 6


@pytest.mark.parametrize(
    ("channels", "rounded"),
    [
        (1, 8),
        (8, 8),
        (11, 16),
        (12, 16),
        (19, 24),
        (20, 24),
        (32 * 0.75, 24),
        (24 * 0.35, 8),
        (160 * 0.35, 56),
        (90, 88),
    ],
)
def test_widths_are_rounded_to_eight(channels: float, rounded: int) -> None:
    """To the nearest multiple (halves up), or the next one where that would lose more than a tenth: 11 → 16, not 8."""
    assert multiple_of_8(channels) == rounded


def test_stages_of_the_paper() -> None:
    """arXiv:1801.04381, table 2: outputs 16, 24, 32, 64, 96, 160, 320, then 1,280; a thirty-second of the image."""
    with torch.device("meta"):
        net = MobileNetV2()
        maps = net(torch.empty(1, 3, 64, 32))
    blocks = [
        [block for block in stage.children() if isinstance(block, InvertedResidual)] for stage in net.stages.children()
    ]
    assert [len(stage) for stage in blocks] == [1, 2, 3, 4, 3, 3, 1]
    outputs = [stage[-1].project.get_parameter("0.weight").shape[0] for stage in blocks]
    assert outputs == [16, 24, 32, 64, 96, 160, 320]
    assert maps.shape == (1, 1280, 2, 1)
    assert sum(block.has_shortcut for stage in blocks for block in stage) == 10


@pytest.mark.parametrize(("width", "stem", "channels"), [(0.25, 8, 1280), (0.5, 16, 1280), (1.4, 48, 1792)])
def test_width_scales_all_but_a_narrow_end(width: float, stem: int, channels: int) -> None:
    with torch.device("meta"):
        net = MobileNetV2(width=width)
    assert net.stem.get_parameter("0.weight").shape[0] == stem
    assert net.out_channels == channels
