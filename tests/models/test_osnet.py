import pytest
import torch
from torch import nn
from torch.nn import functional

from scalereid.models import BACKBONES
from scalereid.models.fusion import Addition, Concatenation
from scalereid.models.genotype import AIN
from scalereid.models.layers import ChannelGate
from scalereid.models.osnet import OmniScaleBlock, OSNet


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


def test_instance_norm_takes_out_a_pictures_style() -> None:
    """Another gain and offset of each channel before the stem's norm leaves what follows as it was."""
    stem = OSNet(width=0.25, genotype=AIN).stem.eval()
    convolved = stem.conv(torch.randn(2, 3, 32, 16))
    styled = convolved * torch.rand(2, 16, 1, 1).add(0.5) + torch.randn(2, 16, 1, 1)
    torch.testing.assert_close(stem.norm(styled), stem.norm(convolved), rtol=1e-3, atol=1e-3)


def blocks(net: nn.Module) -> list[OmniScaleBlock]:
    return [module for module in net.modules() if isinstance(module, OmniScaleBlock)]


@pytest.mark.parametrize(
    ("name", "stem", "stages"),
    [
        ("osnet_x1_0", 64, (256, 384, 512)),
        ("osnet_x0_75", 48, (192, 288, 384)),
        ("osnet_x0_5", 32, (128, 192, 256)),
        ("osnet_x0_25", 16, (64, 96, 128)),
    ],
)
def test_widths_of_the_paper(name: str, stem: int, stages: tuple[int, ...]) -> None:
    """arXiv:1905.00953, table 1 and section 4: every channel count times the width."""
    with torch.device("meta"):
        net = BACKBONES[name]()
    assert isinstance(net, OSNet)
    assert net.stem.conv.out_channels == stem
    assert (net.stage_channels, net.out_channels) == (stages, stages[-1])
    assert [block.reduce.conv.out_channels for block in blocks(net)] == [c // 4 for c in stages for _ in range(2)]
    assert [isinstance(block.shortcut, nn.Identity) for block in blocks(net)] == [False, True] * 3


def test_ablations_change_what_they_say() -> None:
    """The rows of arXiv:1905.00953, table 5."""

    def made(name: str) -> OmniScaleBlock:
        with torch.device("meta"):
            return blocks(BACKBONES[name]())[0]

    def depths(name: str) -> list[int]:
        return [len(list(stream.children())) for stream in made(name).streams]

    assert depths("osnet_same_depth_2") == [2, 2, 2, 2]
    assert depths("osnet_same_depth_3") == [3, 3, 3, 3]
    assert [depths(f"osnet_{word}_stream{'s' * (n > 1)}") for n, word in ((1, "one"), (2, "two"), (3, "three"))] == [
        [1],
        [1, 2],
        [1, 2, 3],
    ]
    full = [m for m in made("osnet_full_convolutions").streams.modules() if isinstance(m, nn.Conv2d)]
    assert {(m.kernel_size, m.groups) for m in full} == {((3, 3), 1)}
    assert len(full) == 10
    assert isinstance(made("osnet_addition").fusion, Addition)
    assert isinstance(made("osnet_concatenation").fusion, Concatenation)
    assert made("osnet_concatenation").restore.conv.in_channels == 4 * 64


def test_small_images_keep_their_size_in_the_stem() -> None:
    """The depths of tables 8 and 9: a block has 12 layers (reduce, four Lite 3×3 of two, gate of two, restore), the rest 6."""
    for name, blocks in (("osnet_cifar", (2, 2, 2)), ("osnet_cifar_210", (3, 8, 6))):
        net = BACKBONES[name](width=0.25)
        assert isinstance(net, OSNet)
        found = [sum(isinstance(one, OmniScaleBlock) for one in stage.children()) for stage in net.stages]
        assert found == [*blocks]
        assert 6 + 12 * sum(blocks) == {"osnet_cifar": 78, "osnet_cifar_210": 210}[name]
        assert [maps.shape[2] for maps in net.eval().stage_maps(torch.zeros(1, 3, 32, 32))] == [16, 8, 8]
    with pytest.raises(ValueError, match="a genotype is of 6 blocks, but there are 17; leave it out"):
        BACKBONES["osnet_cifar_210"](genotype=AIN)
