"""DSLNet: densely connected layers whose outputs are the scales, chosen channel by channel (ACCV 2020).

What the paper leaves open, and what was chosen and why: docs/dslnet.md.
"""

from collections.abc import Sequence
from functools import partial

from torch import Tensor, nn

from scalereid.models.backbone import Backbone, through
from scalereid.models.fusion import Addition, ChannelwiseSelection, SharedGate, SqueezeExcitation
from scalereid.models.layers import ConvNorm, ConvNormReLU, Lite3x3, initialise
from scalereid.models.osnet import BLOCKS_PER_STAGE, MakeFusion

WIDTHS = (60, 252, 384, 516)  # the stem and the three stages
LAYERS = 6  # of a dense connection group
STREAM_LAYERS = (2, 4, 6)  # those whose outputs are the streams: receptive fields of 5, 9 and 13


class DenseScaleBlock(nn.Module):
    """Residual block around a dense connection group and a selection among its scales (sections 3.1 and 3.2).

    Args:
        inputs: channels in.
        outputs: channels out, a multiple of 4.
        dense: whether each layer sees the sum of all before it, x_i = H_i(x_0 + … + x_{i−1}), or only the one before.
        stream_layers: the layers, 1 to 6, whose outputs x_i are the streams.
        fusion: (channels, streams) to what makes one map of the streams.

    Raises:
        ValueError: a stream layer does not exist, or is named twice.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        dense: bool = True,
        stream_layers: Sequence[int] = STREAM_LAYERS,
        fusion: MakeFusion = ChannelwiseSelection,
    ) -> None:
        super().__init__()
        chosen = sorted(set(stream_layers))
        if not chosen or len(chosen) != len(stream_layers) or not 1 <= chosen[0] <= chosen[-1] <= LAYERS:
            raise ValueError(
                f"stream_layers is {tuple(stream_layers)}; it must name different layers from 1 to {LAYERS}"
            )
        middle = outputs // 4
        self.reduce = ConvNormReLU(inputs, middle)
        # Layers after the last stream would learn nothing.
        self.layers = nn.ModuleList(Lite3x3(middle, middle) for _ in range(chosen[-1]))
        self.dense = dense
        self.stream_layers = chosen
        self.fusion = fusion(middle, len(chosen))
        self.expand = ConvNorm(self.fusion.out_channels, outputs)
        self.shortcut = ConvNorm(inputs, outputs) if inputs != outputs else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, outputs, h, w)."""
        seen = self.reduce(maps)  # by the next layer: x_0, or the sum of all so far
        outputs = []
        for layer in self.layers:
            output = layer(seen)
            outputs.append(output)
            seen = seen + output if self.dense else output
        fused = self.fusion([outputs[number - 1] for number in self.stream_layers])
        return self.relu(self.expand(fused) + self.shortcut(maps))


class DSLNet(Backbone):
    """DSLNet's trunk: stem, three stages of two blocks, each stage ending in a 1×1 convolution, pooled in between.

    256×128 images become maps of 16×8. `width` scales the channels: the stages' to the nearest multiple of twelve, so that
    a quarter of them splits into three. The rest is passed on to every `DenseScaleBlock`.
    """

    def __init__(
        self,
        *,
        width: float = 1.0,
        dense: bool = True,
        stream_layers: Sequence[int] = STREAM_LAYERS,
        fusion: MakeFusion = ChannelwiseSelection,
    ) -> None:
        super().__init__()
        inputs = int(WIDTHS[0] * width)
        self.stem = ConvNormReLU(3, inputs, 7, stride=2)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = nn.Sequential()
        self.stage_channels = tuple(multiple_of_12(channels * width) for channels in WIDTHS[1:])
        for number, outputs in enumerate(self.stage_channels, start=1):
            blocks = [
                DenseScaleBlock(
                    inputs if i == 0 else outputs, outputs, dense=dense, stream_layers=stream_layers, fusion=fusion
                )
                for i in range(BLOCKS_PER_STAGE)
            ]
            between = [nn.AvgPool2d(2)] if number < len(self.stage_channels) else []
            self.stages.append(nn.Sequential(*blocks, ConvNormReLU(outputs, outputs), *between))
            inputs = outputs
        self.out_channels = inputs
        self.apply(initialise)

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """Images (b, 3, h, w) to the maps of the three stages; the last are (b, out_channels, h/16, w/16)."""
        return through(self.stages, self.pool(self.stem(images)))


def multiple_of_12(channels: float) -> int:
    """The multiple of twelve nearest to `channels`, and twelve at least."""
    return max(12, int(channels / 12 + 0.5) * 12)


dslnet = DSLNet

# The rows of the paper's ablations, and of its open questions.
dslnet_not_dense = partial(DSLNet, dense=False)
dslnet_addition = partial(DSLNet, fusion=Addition)
dslnet_squeeze_excitation = partial(DSLNet, fusion=SqueezeExcitation)
dslnet_shared_gate = partial(DSLNet, fusion=SharedGate)
dslnet_unsplit = partial(DSLNet, fusion=partial(ChannelwiseSelection, split=False))
dslnet_layers_1_3_5 = partial(DSLNet, stream_layers=(1, 3, 5))
dslnet_layers_1_3_6 = partial(DSLNet, stream_layers=(1, 3, 6))
dslnet_layers_4_5_6 = partial(DSLNet, stream_layers=(4, 5, 6))
