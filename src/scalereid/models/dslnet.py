"""DSLNet: densely connected layers whose outputs are the scales, selected channel by channel (ACCV 2020).

docs/explanation/dslnet.md says what the paper leaves open, what was chosen, and why.
"""

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor, nn

from scalereid.models.fusion import Addition, ChannelwiseSelection, MakeFusion, SharedGate, SqueezeExcitation
from scalereid.models.genotype import AIN, IBN, PLAIN, Genotype, Placement
from scalereid.models.layers import ConvNormReLU, Lite3x3
from scalereid.models.residual import ResidualBlock, last_convolution
from scalereid.models.trunk import GenotypeTrunk

WIDTHS = (60, 252, 384, 516)  # the stem and the three stages
LAYERS = 6  # of a dense connection group
STREAM_LAYERS = (2, 4, 6)  # layers whose outputs are the streams: receptive fields of 5, 9 and 13


class DenseScaleBlock(ResidualBlock):
    """Residual block around a dense connection group and a selection among its scales (sections 3.1 and 3.2).

    Args:
        inputs: input channels.
        outputs: output channels, a multiple of 4.
        dense: whether each layer sees the sum of all before it, x_i = H_i(x_0 + … + x_{i−1}), or only the one before.
        stream_layers: layers, from 1 to 6, whose outputs x_i are the streams.
        fusion: makes the fusion of the streams from their channels and their number.
        placement: of instance norm; see `ResidualBlock`.

    Raises:
        ValueError: A stream layer does not exist, or is named twice.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        dense: bool = True,
        stream_layers: Sequence[int] = STREAM_LAYERS,
        fusion: MakeFusion = ChannelwiseSelection,
        placement: Placement = "none",
    ) -> None:
        super().__init__()
        chosen = sorted(set(stream_layers))
        if not chosen or len(chosen) != len(stream_layers) or not 1 <= chosen[0] <= chosen[-1] <= LAYERS:
            given = tuple(stream_layers)
            raise ValueError(f"stream_layers is {given}; it must contain different layers from 1 to {LAYERS}")
        middle = outputs // 4
        self.reduce = ConvNormReLU(inputs, middle)
        # Layers after the last stream would get no gradient.
        self.layers = nn.ModuleList(Lite3x3(middle, middle) for _ in range(chosen[-1]))
        self.dense = dense
        self.stream_layers = chosen
        self.receptive_fields = tuple(2 * layer + 1 for layer in chosen)
        self.fusion = fusion(middle, len(chosen))
        self.expand = last_convolution(self.fusion.out_channels, outputs, placement)
        self.add_shortcut(inputs, outputs, placement)

    def residual(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, outputs, h, w)."""
        seen = self.reduce(maps)  # input of the next layer: the previous output, or the sum of all so far
        outputs = []
        for layer in self.layers:
            outputs.append(layer(seen))
            seen = seen + outputs[-1] if self.dense else outputs[-1]
        return self.expand(self.fusion([outputs[number - 1] for number in self.stream_layers]))


def channels_at(width: float) -> list[int]:
    """Channels of the stem and of the stages, scaled by `width`.

    Those of the stages are rounded to a multiple of twelve, so that a quarter of them splits into three.
    """
    stem, *stages = WIDTHS
    return [int(stem * width), *(multiple_of_12(stage * width) for stage in stages)]


class DSLNet(GenotypeTrunk):
    """DSLNet's trunk of dense scale blocks: three stages of two blocks.

    `width` scales the channels, `genotype` places instance norm; the other arguments are every block's.
    """

    def __init__(
        self,
        *,
        width: float = 1.0,
        genotype: Genotype = PLAIN,
        dense: bool = True,
        stream_layers: Sequence[int] = STREAM_LAYERS,
        fusion: MakeFusion = ChannelwiseSelection,
    ) -> None:
        block = partial(DenseScaleBlock, dense=dense, stream_layers=stream_layers, fusion=fusion)
        super().__init__(channels_at(width), block, genotype)


def multiple_of_12(channels: float) -> int:
    """Round to the nearest multiple of twelve, but at least twelve."""
    return max(12, int(channels / 12 + 0.5) * 12)


NETWORKS: dict[str, Callable[..., DSLNet]] = {
    "dslnet": DSLNet,
    # Instance norm where OSNet-IBN and OSNet-AIN have it.
    "dslnet_ibn": partial(DSLNet, genotype=IBN),
    "dslnet_ain": partial(DSLNet, genotype=AIN),
    # Rows of the paper's ablation studies, and what it leaves open.
    "dslnet_not_dense": partial(DSLNet, dense=False),
    "dslnet_addition": partial(DSLNet, fusion=Addition),
    "dslnet_squeeze_excitation": partial(DSLNet, fusion=SqueezeExcitation),
    "dslnet_shared_gate": partial(DSLNet, fusion=SharedGate),
    "dslnet_unsplit": partial(DSLNet, fusion=partial(ChannelwiseSelection, split=False)),
    "dslnet_layers_1_3_5": partial(DSLNet, stream_layers=(1, 3, 5)),
    "dslnet_layers_1_3_6": partial(DSLNet, stream_layers=(1, 3, 6)),
    "dslnet_layers_4_5_6": partial(DSLNet, stream_layers=(4, 5, 6)),
}
