"""The trunk that OSNet and DSLNet share; they differ in their blocks."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from scalereid.models.backbone import Backbone, through
from scalereid.models.genotype import Genotype
from scalereid.models.layers import ConvNormReLU, InstanceNorm, MakeNorm, initialise
from scalereid.models.recomputing import compute
from scalereid.models.residual import ResidualBlock

MakeBlock = Callable[[int, int, int], nn.Module]
"""Makes a block from its number, from 0, its input channels and its output channels."""
MakeResidualBlock = Callable[..., ResidualBlock]
"""Makes a block from its input channels, its output channels, and `placement=`, that of instance norm."""


class StagedTrunk(Backbone):
    """Stem, stages of two blocks and a 1×1 convolution each, average pooling between the stages.

    With three stages, 256×128 images become maps of 16×8. `channels` are the stem's, then those of each stage.
    """

    recomputable = True

    def __init__(self, channels: Sequence[int], block: MakeBlock, *, stem_norm: MakeNorm = nn.BatchNorm2d) -> None:
        super().__init__()
        inputs, *stages = channels
        self.stem = ConvNormReLU(3, inputs, 7, stride=2, norm=stem_norm)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = nn.Sequential()
        for number, outputs in enumerate(stages):
            blocks = [block(2 * number, inputs, outputs), block(2 * number + 1, outputs, outputs)]
            is_last = number == len(stages) - 1
            transition = [] if is_last else [ConvNormReLU(outputs, outputs), nn.AvgPool2d(2)]
            self.stages.append(nn.Sequential(*blocks, *transition))
            inputs = outputs
        self.final = ConvNormReLU(inputs, inputs)
        self.out_channels = inputs
        self.stage_channels = tuple(stages)
        self.apply(initialise)

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """Images (b, 3, h, w) to the maps of each stage; the last are (b, out_channels, h/16, w/16)."""
        maps = compute([self.stem, self.pool], images, recompute=self.recomputes)
        *earlier, last = through(self.stages, maps, recompute=self.recomputes)
        return [*earlier, compute([self.final], last, recompute=self.recomputes)]


class GenotypeTrunk(StagedTrunk):
    """A trunk in which a genotype places instance norm: in the stem, and in each of six blocks."""

    def __init__(self, channels: Sequence[int], block: MakeResidualBlock, genotype: Genotype) -> None:
        super().__init__(
            channels,
            lambda number, inputs, outputs: block(inputs, outputs, placement=genotype.placements[number]),
            stem_norm=InstanceNorm if genotype.stem == "instance" else nn.BatchNorm2d,
        )
