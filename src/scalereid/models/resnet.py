"""ResNet-50 (arXiv:1512.03385), the baseline of most papers on re-identification."""

from torch import Tensor, nn

from scalereid.models.backbone import Backbone, through
from scalereid.models.layers import ConvNorm, ConvNormReLU, initialise
from scalereid.models.recomputing import compute

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # inner channels and blocks
EXPANSION = 4


class Bottleneck(nn.Module):
    """Residual block: 1×1 reduce, 3×3 with the stride, 1×1 restore."""

    def __init__(self, inputs: int, inner: int, *, stride: int = 1) -> None:
        super().__init__()
        outputs = EXPANSION * inner
        self.reduce = ConvNormReLU(inputs, inner)
        self.spatial = ConvNormReLU(inner, inner, 3, stride=stride)
        self.restore = ConvNorm(inner, outputs)
        changes = inputs != outputs or stride != 1
        self.shortcut = ConvNorm(inputs, outputs, stride=stride) if changes else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, 4 · inner, h / stride, w / stride)."""
        return self.relu(self.restore(self.spatial(self.reduce(maps))) + self.shortcut(maps))


class ResNet50(Backbone):
    """ResNet-50's trunk: 256×128 images become 2048 maps of 16×8, or of 8×4 with a `last_stride` of 2.

    A last stride of 1 keeps more spatial detail (Luo et al., arXiv:1903.07071); torchreid's resnet50_fc512 has it too.
    """

    recomputable = True

    def __init__(self, *, last_stride: int = 1) -> None:
        super().__init__()
        self.stem = ConvNormReLU(3, 64, 7, stride=2)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = nn.Sequential()
        inputs = 64
        for (inner, blocks), stride in zip(STAGES, (1, 2, 2, last_stride), strict=True):
            stage = nn.Sequential(Bottleneck(inputs, inner, stride=stride))
            inputs = EXPANSION * inner
            stage.extend(Bottleneck(inputs, inner) for _ in range(blocks - 1))
            self.stages.append(stage)
        self.out_channels = inputs
        self.stage_channels = tuple(EXPANSION * inner for inner, _ in STAGES)
        self.apply(initialise)

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """Images (b, 3, h, w) to the maps of the four stages; the last are (b, 2048, h/16, w/16)."""
        maps = compute([self.stem, self.pool], images, recompute=self.recomputes)
        return through(self.stages, maps, recompute=self.recomputes)
