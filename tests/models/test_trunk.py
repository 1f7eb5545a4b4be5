import pytest
import torch
from torch import Tensor, nn

from scalereid.models.dslnet import DenseScaleBlock
from scalereid.models.genotype import Genotype
from scalereid.models.layers import ConvNormReLU, InstanceNorm
from scalereid.models.osnet import OmniScaleBlock
from scalereid.models.residual import ResidualBlock
from scalereid.models.trunk import GenotypeTrunk, StagedTrunk


class Numbered(nn.Conv2d):
    """A 1×1 convolution that remembers its number."""

    def __init__(self, number: int, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 1)
        self.number = number


def trunk(*channels: int) -> StagedTrunk:
    return StagedTrunk(channels or (4, 8, 12, 16), Numbered)


def test_blocks_are_numbered_and_chained() -> None:
    blocks = [module for module in trunk().modules() if isinstance(module, Numbered)]
    assert [(block.number, block.in_channels, block.out_channels) for block in blocks] == [
        (0, 4, 8),
        (1, 8, 8),
        (2, 8, 12),
        (3, 12, 12),
        (4, 12, 16),
        (5, 16, 16),
    ]


def test_it_is_what_it_says_it_is() -> None:
    """Stem, pooling; two blocks, 1×1 convolution, pooling, twice; two blocks and a 1×1 convolution."""
    net = trunk().eval()
    images = torch.randn(2, 3, 64, 32)
    convolutions = [module for module in net.modules() if isinstance(module, ConvNormReLU)]
    blocks = [module for module in net.modules() if isinstance(module, Numbered)]
    assert len(convolutions) == 4  # the stem and one a stage
    expected: list[Tensor] = []
    maps = nn.functional.max_pool2d(convolutions[0](images), 3, stride=2, padding=1)
    for stage in range(3):
        maps = convolutions[stage + 1](blocks[2 * stage + 1](blocks[2 * stage](maps)))
        maps = nn.functional.avg_pool2d(maps, 2) if stage < 2 else maps
        expected.append(maps)
    for one, other in zip(net.stage_maps(images), expected, strict=True):
        torch.testing.assert_close(one, other)
    torch.testing.assert_close(net(images), expected[-1])


@pytest.mark.parametrize(("channels", "reduction"), [((4, 8), 4), ((4, 8, 12), 8), ((4, 8, 12, 16), 16)])
def test_promised_channels_and_sizes(channels: tuple[int, ...], reduction: int) -> None:
    net = trunk(*channels)
    maps = net.stage_maps(torch.randn(1, 3, 64, 32))
    assert tuple(stage.shape[1] for stage in maps) == net.stage_channels == channels[1:]
    assert maps[-1].shape == (1, net.out_channels, 64 // reduction, 32 // reduction)


def test_the_stem_may_have_another_norm() -> None:
    net = StagedTrunk((4, 8), Numbered, stem_norm=InstanceNorm)
    assert isinstance(net.stem.norm, nn.InstanceNorm2d)
    assert isinstance(net.final.norm, nn.BatchNorm2d)


@pytest.mark.parametrize("block", [OmniScaleBlock, DenseScaleBlock])
def test_a_genotype_places_instance_norm_block_by_block(block: type[ResidualBlock]) -> None:
    genotype = Genotype("instance", ("none", "inside", "outside", "both", "none", "inside"))
    net = GenotypeTrunk((8, 24, 24, 48), block, genotype)
    assert isinstance(net.stem.norm, nn.InstanceNorm2d)
    blocks = [module for module in net.modules() if isinstance(module, ResidualBlock)]
    found = [[name for name, m in block.named_modules() if isinstance(m, nn.InstanceNorm2d)] for block in blocks]
    last = "restore.norm" if block is OmniScaleBlock else "expand.norm"
    assert found == [[], [last], ["outside"], [last, "outside"], [], [last]]
    plain = GenotypeTrunk((8, 24, 24, 48), block, Genotype("batch", ("none",) * 6))
    assert not [module for module in plain.modules() if isinstance(module, nn.InstanceNorm2d)]
