"""OSNet: omni-scale features from streams of increasing depth, fused by a shared gate (arXiv:1905.00953)."""

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor, nn

from scalereid.models.fusion import (
    Addition,
    Concatenation,
    FixedGates,
    MakeFusion,
    SeparateGates,
    SharedGate,
    SharedStreamGate,
)
from scalereid.models.genotype import AIN, IBN, PLAIN, Genotype, Placement
from scalereid.models.layers import ConvNormReLU, Lite3x3
from scalereid.models.residual import ResidualBlock, last_convolution
from scalereid.models.trunk import GenotypeTrunk

DEPTHS = (1, 2, 3, 4)  # stream t has t Lite 3×3 layers: receptive fields of 3, 5, 7 and 9
WIDTHS = (64, 256, 384, 512)  # the stem and the three stages (table 1)

MakeConvolution = Callable[[int, int], nn.Module]


class OmniScaleBlock(ResidualBlock):
    """Residual block of parallel streams at different scales, summed with weights from a gate that they share (figure 4b).

    Args:
        inputs: input channels.
        outputs: output channels.
        depths: number of layers of each stream.
        convolution: makes such a layer from its input and output channels.
        fusion: makes the fusion of the streams from their channels and their number.
        placement: of instance norm; see `ResidualBlock`.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        depths: Sequence[int] = DEPTHS,
        convolution: MakeConvolution = Lite3x3,
        fusion: MakeFusion = SharedGate,
        placement: Placement = "none",
    ) -> None:
        super().__init__()
        middle = outputs // 4
        self.reduce = ConvNormReLU(inputs, middle)
        self.streams = nn.ModuleList(
            nn.Sequential(*(convolution(middle, middle) for _ in range(depth))) for depth in depths
        )
        self.receptive_fields = tuple(2 * depth + 1 for depth in depths)
        self.fusion = fusion(middle, len(depths))
        self.restore = last_convolution(self.fusion.out_channels, outputs, placement)
        self.add_shortcut(inputs, outputs, placement)

    def residual(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, outputs, h, w)."""
        reduced = self.reduce(maps)
        return self.restore(self.fusion([stream(reduced) for stream in self.streams]))


def channels_at(width: float) -> list[int]:
    """Channels of the stem and of the stages; `width` scales every one (the paper's β)."""
    return [int(channels * width) for channels in WIDTHS]


class OSNet(GenotypeTrunk):
    """OSNet's trunk of omni-scale blocks: three stages of two blocks, or of as many as `blocks` says.

    `width` scales the channels, `genotype` places instance norm, and `small_images` is as for `StagedTrunk`; the other
    arguments are every block's.
    """

    def __init__(
        self,
        *,
        width: float = 1.0,
        genotype: Genotype = PLAIN,
        depths: Sequence[int] = DEPTHS,
        convolution: MakeConvolution = Lite3x3,
        fusion: MakeFusion = SharedGate,
        blocks: Sequence[int] = (),
        small_images: bool = False,
    ) -> None:
        block = partial(OmniScaleBlock, depths=depths, convolution=convolution, fusion=fusion)
        super().__init__(channels_at(width), block, genotype, blocks=blocks, small_images=small_images)


NETWORKS: dict[str, Callable[..., OSNet]] = {
    "osnet_x1_0": partial(OSNet, width=1.0),
    "osnet_x0_75": partial(OSNet, width=0.75),
    "osnet_x0_5": partial(OSNet, width=0.5),
    "osnet_x0_25": partial(OSNet, width=0.25),
    "osnet_ibn_x1_0": partial(OSNet, genotype=IBN),
    "osnet_ain_x1_0": partial(OSNet, width=1.0, genotype=AIN),
    "osnet_ain_x0_75": partial(OSNet, width=0.75, genotype=AIN),
    "osnet_ain_x0_5": partial(OSNet, width=0.5, genotype=AIN),
    "osnet_ain_x0_25": partial(OSNet, width=0.25, genotype=AIN),
}
# Rows of table 5. Row 3 does not give the depth: 2 costs a little less than row 1, 3 a little more.
ABLATIONS: dict[str, Callable[..., OSNet]] = {
    "osnet_full_convolutions": partial(OSNet, convolution=partial(ConvNormReLU, kernel_size=3)),
    "osnet_same_depth_2": partial(OSNet, depths=(2, 2, 2, 2)),
    "osnet_same_depth_3": partial(OSNet, depths=(3, 3, 3, 3)),
    "osnet_concatenation": partial(OSNet, fusion=Concatenation),
    "osnet_addition": partial(OSNet, fusion=Addition),
    "osnet_separate_gates": partial(OSNet, fusion=SeparateGates),
    "osnet_stream_gate": partial(OSNet, fusion=SharedStreamGate),
    "osnet_fixed_gates": partial(OSNet, fusion=FixedGates),
    "osnet_one_stream": partial(OSNet, depths=(1,), fusion=Addition),
    "osnet_two_streams": partial(OSNet, depths=(1, 2)),
    "osnet_three_streams": partial(OSNet, depths=(1, 2, 3)),
}
# For images of 32×32 (tables 8 and 9): a block is 12 layers deep, the rest 6: 78 with six blocks, 210 with seventeen.
SMALL_IMAGES: dict[str, Callable[..., OSNet]] = {
    "osnet_cifar": partial(OSNet, small_images=True),
    "osnet_cifar_210": partial(OSNet, small_images=True, blocks=(3, 8, 6)),
    "osnet_cifar_one_stream": partial(OSNet, small_images=True, depths=(1,), fusion=Addition),
    "osnet_cifar_addition": partial(OSNet, small_images=True, fusion=Addition),
}
