import pytest
import torch
from torch import nn
from torch.nn import functional

from scalereid.models.layers import (
    ChannelAverage,
    ChannelGate,
    ConvNorm,
    ConvNormReLU,
    EmbeddingLayer,
    InstanceNorm,
    Lite3x3,
    bottleneck,
    initialise,
)


def test_gate_is_the_papers_formula() -> None:
    gate = ChannelGate(32)
    maps = torch.randn(2, 32, 5, 4)
    pooled = maps.mean(dim=(2, 3))
    hidden = functional.relu(functional.linear(pooled, gate.reduce.weight.flatten(1), gate.reduce.bias))
    expected = functional.linear(hidden, gate.restore.weight.flatten(1), gate.restore.bias).sigmoid()
    torch.testing.assert_close(gate(maps).flatten(1), expected)
    assert gate.reduce.out_channels == 2


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_averages_are_torchs_in_training_too(layout: torch.memory_format) -> None:
    """The values and gradients of torch's own pooling; the gradient is channels last in memory."""
    maps = torch.randn(3, 32, 9, 5).contiguous(memory_format=layout)
    results = []
    for pool in (ChannelAverage().train(), ChannelAverage().eval(), nn.AdaptiveAvgPool2d(1)):
        given = maps.clone().requires_grad_()
        averages = pool(given)
        (gradient,) = torch.autograd.grad(averages.square().sum(), given)
        results.append((averages, gradient))
    (averages, gradient), *others = results
    for one, other in others:
        torch.testing.assert_close(averages, one)
        torch.testing.assert_close(gradient, other)
    assert gradient.is_contiguous(memory_format=torch.channels_last)


def test_lite_convolution_is_pointwise_then_depthwise() -> None:
    layer = Lite3x3(4, 6).eval()
    maps = torch.randn(1, 4, 7, 5)
    merged = torch.einsum("oi,ohw->oihw", layer.pointwise.weight.flatten(1), layer.depthwise.weight.squeeze(1))
    expected = functional.relu(layer.norm(functional.conv2d(maps, merged, padding=1)))  # one dense 3×3 in disguise
    torch.testing.assert_close(layer(maps), expected)


@pytest.mark.parametrize(
    ("kernel_size", "stride", "size"), [(1, 1, (9, 6)), (3, 1, (9, 6)), (7, 2, (5, 3)), (3, 2, (5, 3))]
)
def test_convolutions_pad_to_the_same_size(kernel_size: int, stride: int, size: tuple[int, int]) -> None:
    layer = ConvNormReLU(4, 6, kernel_size, stride=stride)
    bias = nn.init.normal_(layer.get_parameter("norm.bias"))
    maps = torch.randn(3, 4, 9, 6)
    convolved = functional.conv2d(maps, layer.conv.weight, stride=stride, padding=kernel_size // 2)
    mean = convolved.mean(dim=(0, 2, 3), keepdim=True)
    variance = (convolved - mean).square().mean(dim=(0, 2, 3), keepdim=True)
    normed = (convolved - mean) / (variance + 1e-5).sqrt() + bias[:, None, None]
    assert layer.conv.bias is None
    assert normed.shape[2:] == size
    torch.testing.assert_close(layer(maps), normed.relu(), rtol=1e-4, atol=1e-5)
    assert ConvNorm(4, 6, kernel_size, stride=stride)(maps).min() < 0  # no ReLU


def test_instance_norm_looks_at_one_image_and_channel() -> None:
    layer = ConvNorm(4, 6, 3, norm=InstanceNorm)
    maps = torch.randn(2, 4, 9, 6)
    torch.testing.assert_close(layer(maps)[:1], layer(maps[:1]))
    torch.testing.assert_close(layer(maps).mean(dim=(2, 3)), torch.zeros(2, 6), atol=1e-5, rtol=0)
    torch.testing.assert_close(layer(maps).var(dim=(2, 3), correction=0), torch.ones(2, 6), atol=1e-3, rtol=0)


def test_a_gate_may_give_all_channels_one_weight() -> None:
    assert ChannelGate(32, weights=1)(torch.randn(2, 32, 5, 4)).shape == (2, 1, 1, 1)


def test_hidden_widths() -> None:
    assert [bottleneck(channels) for channels in (1, 15, 16, 31, 32, 512)] == [1, 1, 1, 1, 2, 32]


def test_embedding_layer_is_linear_batch_norm_relu() -> None:
    layer = EmbeddingLayer(8, 5).eval()
    mean, variance = torch.randn(5), torch.rand(5) + 0.5
    layer.norm.running_mean, layer.norm.running_var = mean, variance
    features = torch.randn(4, 8)
    linear = features @ layer.linear.weight.T + layer.linear.bias
    expected = (linear - mean) / (variance + 1e-5).sqrt()
    torch.testing.assert_close(layer(features), expected.clamp_min(0))


def test_initialisation() -> None:
    torch.manual_seed(0)
    conv, linear = nn.Conv2d(64, 128, 3), nn.Linear(512, 700)
    for layer in (conv, linear):
        initialise(layer)
        assert layer.bias is not None
        assert not layer.bias.any()
    assert abs(float(conv.weight.detach().std()) / (2 / (128 * 9)) ** 0.5 - 1) < 0.02  # fan-out, for ReLU
    assert abs(float(linear.weight.detach().std()) / 0.01 - 1) < 0.02
