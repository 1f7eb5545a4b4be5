import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from scalereid.models.layers import ConvNorm
from scalereid.models.resnet import Bottleneck, ResNet50


def conv_norm(layer: ConvNorm, maps: Tensor, stride: int = 1) -> Tensor:
    """A convolution and a fresh batch norm in evaluation, which divides by √(1 + ε)."""
    weight = layer.conv.weight
    return functional.conv2d(maps, weight, stride=stride, padding=weight.shape[-1] // 2) / (1 + 1e-5) ** 0.5


@pytest.mark.parametrize(("inputs", "inner", "stride"), [(16, 4, 1), (12, 4, 1), (16, 4, 2)])
def test_a_bottleneck_by_hand(inputs: int, inner: int, stride: int) -> None:
    block = Bottleneck(inputs, inner, stride=stride).eval()
    maps = torch.randn(2, inputs, 8, 6)
    hidden = conv_norm(block.spatial, conv_norm(block.reduce, maps).relu(), stride).relu()
    shortcut = maps if isinstance(block.shortcut, nn.Identity) else conv_norm(block.shortcut, maps, stride)
    torch.testing.assert_close(block(maps), (conv_norm(block.restore, hidden) + shortcut).relu(), rtol=1e-4, atol=1e-5)
    assert isinstance(block.shortcut, nn.Identity) == (inputs == 4 * inner and stride == 1)


@pytest.mark.parametrize(("last_stride", "size"), [(1, (4, 2)), (2, (2, 1))])
def test_stages_of_the_paper(last_stride: int, size: tuple[int, int]) -> None:
    """arXiv:1512.03385, table 1: 3, 4, 6 and 3 blocks, 256 to 2,048 channels; each stage but the first halves the size."""
    with torch.device("meta"):
        net = ResNet50(last_stride=last_stride)
        maps = net.stage_maps(torch.empty(1, 3, 64, 32))
    assert [len(list(stage.children())) for stage in net.stages.children()] == [3, 4, 6, 3]
    assert [tuple(stage.shape[1:]) for stage in maps] == [(256, 16, 8), (512, 8, 4), (1024, 4, 2), (2048, *size)]
    assert net.stage_channels == (256, 512, 1024, 2048)
    assert net.out_channels == 2048
