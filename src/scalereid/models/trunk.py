"""The trunk that OSNet and DSLNet share; they differ in their blocks."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from scalereid.models.backbone import Backbone, through
from scalereid.models.genotype import PLAIN, Genotype
from scalereid.models.layers import ConvNormReLU, InstanceNorm, MakeNorm, initialise
from scalereid.models.recomputing import compute
from scalereid.models.residual import ResidualBlock

MakeBlock = Callable[[int, int, int], nn.Module]
"""Makes a block from its number, from 0, its input channels and its output channels."""
MakeResidualBlock = Callable[..., ResidualBlock]
"""Makes a block from its input channels, its output channels, and `placement=`, that of instance norm."""


class StagedTrunk(Backbone):
    """Stem, stages of blocks and a 1×1 convolution each, average pooling between the stages.

    With three stages, 256×128 images become maps of 16×8. `channels` are the stem's, then those of each stage; `blocks` are the
    numbers of blocks of each stage, by default two. For `small_images`, such as CIFAR's of 32×32, the stem is a 3×3 convolution
    that keeps the size, and no pooling follows: they become maps of 8×8.
    """

    recomputable = True

    def __init__(
        self,
        channels: Sequence[int],
        block: MakeBlock,
        *,
        stem_norm: MakeNorm = nn.BatchNorm2d,
        blocks: Sequence[int] = (),
        small_images: bool = False,
    ) -> None:
        super().__init__()
        inputs, *stages = channels
        kernel_size, stride = (3, 1) if small_images else (7, 2)
        self.stem = ConvNormReLU(3, inputs, kernel_size, stride=stride, norm=stem_norm)
        self.pool = nn.Identity() if small_images else nn.MaxPool2d(3, stride=2, padding=1)
        self.stages = nn.Sequential()
        done = 0
        for number, (outputs, count) in enumerate(zip(stages, blocks or [2] * len(stages), strict=True)):
            made = [block(done + i, inputs if i == 0 else outputs, outputs) for i in range(count)]
            is_last = number == len(stages) - 1
            transition = [] if is_last else [ConvNormReLU(outputs, outputs), nn.AvgPool2d(2)]
            self.stages.append(nn.Sequential(*made, *transition))
            inputs, done = outputs, done + count
        self.final = ConvNormReLU(inputs, inputs)
        self.out_channels = inputs
        self.stage_channels = tuple(stages)
        self.apply(initialise)

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """Images (b, 3, h, w) to the maps of each stage; the last are (b, out_channels, h/16, w/16).

        For small images the last are h/4 by w/4.
        """
        maps = compute([self.stem, self.pool], images, recompute=self.recomputes)
        *earlier, last = through(self.stages, maps, recompute=self.recomputes)
        return [*earlier, compute([self.final], last, recompute=self.recomputes)]


class GenotypeTrunk(StagedTrunk):
    """A trunk in which a genotype places instance norm: in the stem, and in each of six blocks.

    Raises:
        ValueError: There are more blocks, and the genotype is not the one without instance norm.
    """

    def __init__(
        self,
        channels: Sequence[int],
        block: MakeResidualBlock,
        genotype: Genotype,
        *,
        blocks: Sequence[int] = (),
        small_images: bool = False,
    ) -> None:
        placements = genotype.placements
        if blocks and sum(blocks) != len(placements):
            if genotype != PLAIN:
                raise ValueError(
                    f"a genotype is of {len(placements)} blocks, but there are {sum(blocks)}; leave it out"
                )
            placements = placements[:1] * sum(blocks)
        super().__init__(
            channels,
            lambda number, inputs, outputs: block(inputs, outputs, placement=placements[number]),
            stem_norm=InstanceNorm if genotype.stem == "instance" else nn.BatchNorm2d,
            blocks=blocks,
            small_images=small_images,
        )
