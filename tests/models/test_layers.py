import torch
from torch import nn
from torch.nn import functional

from scalereid.models.layers import ChannelGate, Lite3x3, initialise
from scalereid.models.osnet import OmniScaleBlock


def test_gate_is_the_papers_formula() -> None:
    gate = ChannelGate(32)
    maps = torch.randn(2, 32, 5, 4)
    pooled = maps.mean(dim=(2, 3))
    hidden = functional.relu(functional.linear(pooled, gate.reduce.weight.flatten(1), gate.reduce.bias))
    expected = functional.linear(hidden, gate.restore.weight.flatten(1), gate.restore.bias).sigmoid()
    torch.testing.assert_close(gate(maps).flatten(1), expected)
    assert gate.reduce.out_channels == 2


def test_lite_convolution_is_pointwise_then_depthwise() -> None:
    layer = Lite3x3(4, 6).eval()
    maps = torch.randn(1, 4, 7, 5)
    merged = torch.einsum("oi,ohw->oihw", layer.pointwise.weight.flatten(1), layer.depthwise.weight.squeeze(1))
    expected = functional.relu(layer.norm(functional.conv2d(maps, merged, padding=1)))  # one dense 3×3 in disguise
    torch.testing.assert_close(layer(maps), expected)


def test_block_sums_gated_streams_under_one_gate() -> None:
    block = OmniScaleBlock(16, 64).eval()
    maps = torch.randn(2, 16, 6, 6)
    reduced = block.reduce(maps)
    gate = next(module for module in block.modules() if isinstance(module, ChannelGate))
    fused = torch.zeros_like(reduced)
    for stream in block.streams:
        scale = stream(reduced)
        fused += gate(scale) * scale
    expected = functional.relu(block.restore(fused) + block.shortcut(maps))
    torch.testing.assert_close(block(maps), expected)
    assert [len(list(stream.children())) for stream in block.streams] == [1, 2, 3, 4]


def test_stream_t_sees_2t_plus_1_pixels() -> None:
    block = OmniScaleBlock(4, 16).eval()
    for norm in (layer for layer in block.modules() if isinstance(layer, nn.BatchNorm2d)):
        nn.init.constant_(norm.bias, 100.0)  # no ReLU is dead
    for depth, stream in enumerate(block.streams, start=1):
        maps = torch.randn(1, 4, 15, 15, requires_grad=True)
        stream(maps)[0, :, 7, 7].sum().backward()
        assert maps.grad is not None
        seen = maps.grad.abs().sum(dim=(0, 1)).nonzero()
        assert seen.min() == 7 - depth
        assert seen.max() == 7 + depth


def test_initialisation() -> None:
    torch.manual_seed(0)
    conv, linear = nn.Conv2d(64, 128, 3), nn.Linear(512, 700)
    for layer in (conv, linear):
        initialise(layer)
        assert layer.bias is not None
        assert not layer.bias.any()
    assert abs(float(conv.weight.detach().std()) / (2 / (128 * 9)) ** 0.5 - 1) < 0.02  # fan-out, for ReLU
    assert abs(float(linear.weight.detach().std()) / 0.01 - 1) < 0.02
