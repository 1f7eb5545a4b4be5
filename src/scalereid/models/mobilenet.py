"""MobileNetV2 (arXiv:1801.04381), the lightweight baseline of OSNet and DSLNet."""

from torch import Tensor, nn

from scalereid.models.backbone import Backbone, through
from scalereid.models.layers import initialise
from scalereid.models.recomputing import compute

STAGES = (  # expansion, channels, blocks, stride of the first (table 2)
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM, LAST = 32, 1280


class InvertedResidual(nn.Module):
    """1×1 expand, depthwise 3×3, linear 1×1; a shortcut where size and channels stay the same."""

    def __init__(self, inputs: int, outputs: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        inner = expansion * inputs
        self.expand = conv_norm_relu6(inputs, inner) if expansion > 1 else nn.Identity()
        self.depthwise = conv_norm_relu6(inner, inner, 3, stride=stride, groups=inner)
        self.project = nn.Sequential(nn.Conv2d(inner, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, outputs, h / stride, w / stride)."""
        projected = self.project(self.depthwise(self.expand(maps)))
        return maps + projected if self.has_shortcut else projected


class MobileNetV2(Backbone):
    """MobileNetV2's trunk: 256×128 images become 1280 maps of 8×4. `width` scales all channels; the last are at least 1280."""

    recomputable = True

    def __init__(self, *, width: float = 1.0) -> None:
        super().__init__()
        inputs = multiple_of_8(STEM * width)
        self.stem = conv_norm_relu6(3, inputs, 3, stride=2)
        self.stages = nn.Sequential()
        for expansion, channels, blocks, stride in STAGES:
            stage, outputs = nn.Sequential(), multiple_of_8(channels * width)
            for i in range(blocks):
                stage.append(InvertedResidual(inputs, outputs, expansion=expansion, stride=stride if i == 0 else 1))
                inputs = outputs
            self.stages.append(stage)
        self.out_channels = multiple_of_8(LAST * max(1.0, width))
        self.final = conv_norm_relu6(inputs, self.out_channels)
        self.apply(initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Images (b, 3, h, w) to feature maps (b, out_channels, h/32, w/32)."""
        maps = compute([self.stem], images, recompute=self.recomputes)
        *_, last = through(self.stages, maps, recompute=self.recomputes)
        return compute([self.final], last, recompute=self.recomputes)


def conv_norm_relu6(
    inputs: int, outputs: int, kernel_size: int = 1, *, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Convolution without bias, batch norm, ReLU clipped at 6."""
    conv = nn.Conv2d(inputs, outputs, kernel_size, stride, padding=kernel_size // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU6())


def multiple_of_8(channels: float) -> int:
    """Round to the nearest multiple of eight, or up if that would lose more than a tenth."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8
