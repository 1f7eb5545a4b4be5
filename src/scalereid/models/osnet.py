"""OSNet: features at every scale from streams of growing depth, fused by a shared gate (arXiv:1905.00953)."""

from collections.abc import Callable, Sequence
from functools import partial

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
from scalereid.models.layers import ConvNorm, ConvNormReLU, Lite3x3, initialise

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
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        depths: Sequence[int] = DEPTHS,
        convolution: MakeConvolution = Lite3x3,
        fusion: MakeFusion = SharedGate,
    ) -> None:
        super().__init__()
        middle = outputs // 4
        self.reduce = ConvNormReLU(inputs, middle)
        self.streams = nn.ModuleList(
            nn.Sequential(*(convolution(middle, middle) for _ in range(depth))) for depth in depths
        )
        self.fusion = fusion(middle, len(depths))
        self.restore = ConvNorm(self.fusion.out_channels, outputs)
        self.shortcut = ConvNorm(inputs, outputs) if inputs != outputs else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, outputs, h, w)."""
        reduced = self.reduce(maps)
        fused = self.fusion([stream(reduced) for stream in self.streams])
        return self.relu(self.restore(fused) + self.shortcut(maps))


class OSNet(Backbone):
    """OSNet's trunk: stem, three stages of two omni-scale blocks, a last 1×1 convolution.

    256×128 images become maps of 16×8. `width` scales every channel count (the paper's β); the rest is passed on to
    every `OmniScaleBlock`.
    """

    def __init__(
        self,
        *,
        width: float = 1.0,
        depths: Sequence[int] = DEPTHS,
        convolution: MakeConvolution = Lite3x3,
        fusion: MakeFusion = SharedGate,
    ) -> None:
        super().__init__()
        stem, *stages = (int(channels * width) for channels in WIDTHS)
        self.stem = ConvNormReLU(3, stem, 7, stride=2)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = nn.Sequential()
        inputs = stem
        for number, outputs in enumerate(stages, start=1):
            blocks = [
                OmniScaleBlock(
                    inputs if i == 0 else outputs, outputs, depths=depths, convolution=convolution, fusion=fusion
                )
                for i in range(BLOCKS_PER_STAGE)
            ]
            transition = [ConvNormReLU(outputs, outputs), nn.AvgPool2d(2)] if number < len(stages) else []
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


osnet_x1_0 = partial(OSNet, width=1.0)
osnet_x0_75 = partial(OSNet, width=0.75)
osnet_x0_5 = partial(OSNet, width=0.5)
osnet_x0_25 = partial(OSNet, width=0.25)

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
