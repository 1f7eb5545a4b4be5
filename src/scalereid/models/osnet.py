"""OSNet: features at every scale from streams of growing depth, fused by a shared gate (arXiv:1905.00953)."""

from functools import partial

from torch import Tensor, nn

from scalereid.models.backbone import Backbone
from scalereid.models.layers import ChannelGate, ConvNorm, ConvNormReLU, Lite3x3, initialise

STREAMS = 4  # stream t has t Lite 3×3 layers: receptive fields of 3, 5, 7 and 9
BLOCKS_PER_STAGE = 2
WIDTHS = (64, 256, 384, 512)  # the stem and the three stages (table 1)


class OmniScaleBlock(nn.Module):
    """Residual block of parallel streams at different scales, summed under one gate that they share (figure 4b)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        middle = outputs // 4
        self.reduce = ConvNormReLU(inputs, middle)
        self.streams = nn.ModuleList(
            nn.Sequential(*(Lite3x3(middle, middle) for _ in range(depth))) for depth in range(1, STREAMS + 1)
        )
        self.gate = ChannelGate(middle)
        self.restore = ConvNorm(middle, outputs)
        self.shortcut = ConvNorm(inputs, outputs) if inputs != outputs else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, outputs, h, w)."""
        reduced = self.reduce(maps)
        scales = [stream(reduced) for stream in self.streams]
        first, *others = [self.gate(scale) * scale for scale in scales]
        return self.relu(self.restore(sum(others, start=first)) + self.shortcut(maps))


class OSNet(Backbone):
    """OSNet's trunk: stem, three stages of two omni-scale blocks, a last 1×1 convolution.

    256×128 images become maps of 16×8. `width` scales every channel count (the paper's β).
    """

    def __init__(self, *, width: float = 1.0) -> None:
        super().__init__()
        stem, *stages = (int(channels * width) for channels in WIDTHS)
        self.stem = ConvNormReLU(3, stem, 7, stride=2)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = nn.Sequential()
        inputs = stem
        for outputs in stages:
            blocks = [OmniScaleBlock(inputs if i == 0 else outputs, outputs) for i in range(BLOCKS_PER_STAGE)]
            is_last = outputs == stages[-1]
            transition = [] if is_last else [ConvNormReLU(outputs, outputs), nn.AvgPool2d(2)]
            self.stages.append(nn.Sequential(*blocks, *transition))
            inputs = outputs
        self.final = ConvNormReLU(inputs, inputs)
        self.out_channels = inputs
        self.apply(initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Images (b, 3, h, w) to feature maps (b, out_channels, h/16, w/16)."""
        return self.final(self.stages(self.pool(self.stem(images))))


osnet_x1_0 = partial(OSNet, width=1.0)
osnet_x0_75 = partial(OSNet, width=0.75)
osnet_x0_5 = partial(OSNet, width=0.5)
osnet_x0_25 = partial(OSNet, width=0.25)
