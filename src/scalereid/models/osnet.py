"""OSNet: features at every scale from streams of growing depth, fused by a shared gate (arXiv:1905.00953)."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count

from torch import Tensor, nn

from scalereid.models.backbone import Backbone, through
from scalereid.models.fusion import (
    Addition,
    Concatenation,
    FixedGates,
    Fusion,
    SeparateGates,
    SharedGate,
    SharedStreamGate,
)
from scalereid.models.genotype import AIN, IBN, PLAIN, Genotype, Placement
from scalereid.models.layers import ConvNorm, ConvNormReLU, InstanceNorm, Lite3x3, MakeNorm, initialise

DEPTHS = (1, 2, 3, 4)  # stream t has t Lite 3×3 layers: receptive fields of 3, 5, 7 and 9
BLOCKS_PER_STAGE = 2
WIDTHS = (64, 256, 384, 512)  # the stem and the three stages (table 1)

MakeConvolution = Callable[[int, int], nn.Module]
MakeFusion = Callable[[int, int], Fusion]


class OmniScaleBlock(nn.Module):
    """Residual block of parallel streams at different scales, summed under one gate that they share (figure 4b).

    Args:
        inputs: channels in.
        outputs: channels out.
        depths: layers of each stream.
        convolution: (inputs, outputs) to such a layer.
        fusion: (channels, streams) to what makes one map of the streams.
        placement: of instance norm (OSNet-IBN and OSNet-AIN, arXiv:1910.06827): inside the residual, in place of its last
            batch norm; outside, between addition and ReLU; both; or none.
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
        self.fusion = fusion(middle, len(depths))
        inside, outside = placement in ("inside", "both"), placement in ("outside", "both")
        self.restore = ConvNorm(self.fusion.out_channels, outputs, norm=InstanceNorm if inside else nn.BatchNorm2d)
        self.shortcut = ConvNorm(inputs, outputs) if inputs != outputs else nn.Identity()
        self.outside = InstanceNorm(outputs) if outside else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, outputs, h, w)."""
        reduced = self.reduce(maps)
        fused = self.fusion([stream(reduced) for stream in self.streams])
        return self.relu(self.outside(self.restore(fused) + self.shortcut(maps)))


class OSNetTrunk(Backbone):
    """What all OSNets share: stem, three stages of two blocks each, a last 1×1 convolution.

    256×128 images become maps of 16×8. `width` scales every channel count (the paper's β); `block` makes one of the six
    blocks from its number, its channels in and its channels out.
    """

    def __init__(self, *, width: float, stem_norm: MakeNorm, block: Callable[[int, int, int], nn.Module]) -> None:
        super().__init__()
        inputs, *stages = (int(channels * width) for channels in WIDTHS)
        self.stem = ConvNormReLU(3, inputs, 7, stride=2, norm=stem_norm)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = nn.Sequential()
        numbers = count()
        for outputs in stages:
            blocks = [block(next(numbers), inputs if i == 0 else outputs, outputs) for i in range(BLOCKS_PER_STAGE)]
            is_last = len(self.stages) == len(stages) - 1
            transition = [] if is_last else [ConvNormReLU(outputs, outputs), nn.AvgPool2d(2)]
            self.stages.append(nn.Sequential(*blocks, *transition))
            inputs = outputs
        self.final = ConvNormReLU(inputs, inputs)
        self.out_channels = inputs
        self.stage_channels = tuple(stages)
        self.apply(initialise)

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """Images (b, 3, h, w) to the maps of the three stages; the last are (b, out_channels, h/16, w/16)."""
        *earlier, last = through(self.stages, self.pool(self.stem(images)))
        return [*earlier, self.final(last)]


class OSNet(OSNetTrunk):
    """OSNet's trunk of omni-scale blocks; `genotype` says where instance norm stands, the rest goes to every block."""

    def __init__(
        self,
        *,
        width: float = 1.0,
        genotype: Genotype = PLAIN,
        depths: Sequence[int] = DEPTHS,
        convolution: MakeConvolution = Lite3x3,
        fusion: MakeFusion = SharedGate,
    ) -> None:
        def block(number: int, inputs: int, outputs: int) -> OmniScaleBlock:
            placement = genotype.placements[number]
            return OmniScaleBlock(
                inputs, outputs, depths=depths, convolution=convolution, fusion=fusion, placement=placement
            )

        stem_norm = InstanceNorm if genotype.stem == "instance" else nn.BatchNorm2d
        super().__init__(width=width, stem_norm=stem_norm, block=block)


osnet_x1_0 = partial(OSNet, width=1.0)
osnet_x0_75 = partial(OSNet, width=0.75)
osnet_x0_5 = partial(OSNet, width=0.5)
osnet_x0_25 = partial(OSNet, width=0.25)
osnet_ibn_x1_0 = partial(OSNet, genotype=IBN)
osnet_ain_x1_0 = partial(OSNet, width=1.0, genotype=AIN)
osnet_ain_x0_75 = partial(OSNet, width=0.75, genotype=AIN)
osnet_ain_x0_5 = partial(OSNet, width=0.5, genotype=AIN)
osnet_ain_x0_25 = partial(OSNet, width=0.25, genotype=AIN)

# The rows of the ablation (table 5). Row 3 does not give the depth: 2 costs a little less than row 1, 3 a little more.
osnet_full_convolutions = partial(OSNet, convolution=partial(ConvNormReLU, kernel_size=3))
osnet_same_depth_2 = partial(OSNet, depths=(2, 2, 2, 2))
osnet_same_depth_3 = partial(OSNet, depths=(3, 3, 3, 3))
osnet_concatenation = partial(OSNet, fusion=Concatenation)
osnet_addition = partial(OSNet, fusion=Addition)
osnet_separate_gates = partial(OSNet, fusion=SeparateGates)
osnet_stream_gate = partial(OSNet, fusion=SharedStreamGate)
osnet_fixed_gates = partial(OSNet, fusion=FixedGates)
osnet_one_stream = partial(OSNet, depths=(1,), fusion=Addition)
osnet_two_streams = partial(OSNet, depths=(1, 2))
osnet_three_streams = partial(OSNet, depths=(1, 2, 3))
