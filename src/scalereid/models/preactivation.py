"""Residual networks with norm and ReLU before each convolution, for images of 32×32 pixels: peers of OSNet on CIFAR."""

from collections.abc import Callable

from torch import Tensor, nn

from scalereid.models.backbone import Backbone, through
from scalereid.models.layers import initialise
from scalereid.models.recomputing import compute

CHANNELS = (16, 32, 64)  # of the three stages, before they are expanded or widened
EXPANSION = 4  # of a bottleneck block
MakeBranch = Callable[[int, int, int], nn.Sequential]
"""Makes a block's branch after its first norm and ReLU, from input channels, output channels and stride."""


class PreactivationBlock(nn.Module):
    """Norm, ReLU and a branch of convolutions; nothing follows the addition (He et al., arXiv:1603.05027, figure 4e).

    Where channels or size change, the shortcut is a 1×1 convolution after the norm and ReLU.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, branch: MakeBranch) -> None:
        super().__init__()
        self.ready = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU())
        self.branch = branch(inputs, outputs, stride)
        self.changes = inputs != outputs or stride != 1
        self.shortcut = convolution(inputs, outputs, 1, stride) if self.changes else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, outputs, h / stride, w / stride)."""
        ready = self.ready(maps)
        return self.branch(ready) + self.shortcut(ready if self.changes else maps)


class PreactivationNet(Backbone):
    """A 3×3 stem, three stages of equal numbers of blocks, norm and ReLU: 32×32 pixels become maps of 8×8."""

    recomputable = True

    def __init__(self, blocks: int, channels: tuple[int, ...], branch: MakeBranch) -> None:
        super().__init__()
        inputs = CHANNELS[0]
        self.stem = convolution(3, inputs, 3)
        self.stages = nn.Sequential()
        for number, outputs in enumerate(channels):
            stride = 1 if number == 0 else 2
            stage = nn.Sequential(PreactivationBlock(inputs, outputs, stride, branch))
            stage.extend(PreactivationBlock(outputs, outputs, 1, branch) for _ in range(blocks - 1))
            self.stages.append(stage)
            inputs = outputs
        self.final = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU())
        self.out_channels = inputs
        self.stage_channels = channels
        self.apply(initialise)

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """Images (b, 3, h, w) to the maps of the three stages; the last are (b, out_channels, h/4, w/4)."""
        maps = compute([self.stem], images, recompute=self.recomputes)
        *earlier, last = through(self.stages, maps, recompute=self.recomputes)
        return [*earlier, compute([self.final], last, recompute=self.recomputes)]


def preactivation_resnet(*, depth: int = 56) -> PreactivationNet:
    """A ResNet with pre-activation and bottleneck blocks (arXiv:1603.05027); published are depths 164 and 1001.

    Raises:
        ValueError: `depth` is not 2 more than a multiple of 9.
    """
    blocks = _blocks(depth, 9, 2)
    return PreactivationNet(blocks, tuple(EXPANSION * channels for channels in CHANNELS), _bottleneck)


def wide_resnet(*, depth: int = 16, width: float = 1.0) -> PreactivationNet:
    """A Wide ResNet (arXiv:1605.07146), of blocks of two 3×3 convolutions; published are depth 40 at width 4, and 16 at 8.

    Raises:
        ValueError: `depth` is not 4 more than a multiple of 6.
    """
    blocks = _blocks(depth, 6, 4)
    return PreactivationNet(blocks, tuple(max(1, round(width * channels)) for channels in CHANNELS), _two_convolutions)


NETWORKS: dict[str, Callable[..., Backbone]] = {
    "preactivation_resnet_cifar": preactivation_resnet,
    "wide_resnet_cifar": wide_resnet,
}


def _blocks(depth: int, layers: int, others: int) -> int:
    """Blocks of each stage of a network with `depth` layers: three stages, with `layers` each for one block, and others."""
    blocks, rest = divmod(depth - others, layers)
    if rest or blocks < 1:
        raise ValueError(
            f"depth is {depth}; expected {others} more than a multiple of {layers}, such as {others + 2 * layers}"
        )
    return blocks


def _bottleneck(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """1×1 reduce, 3×3 with the stride, 1×1 restore."""
    inner = outputs // EXPANSION
    return nn.Sequential(
        convolution(inputs, inner, 1),
        *_norm_relu_convolution(inner, inner, 3, stride),
        *_norm_relu_convolution(inner, outputs, 1),
    )


def _two_convolutions(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(convolution(inputs, outputs, 3, stride), *_norm_relu_convolution(outputs, outputs, 3))


def _norm_relu_convolution(inputs: int, outputs: int, kernel_size: int, stride: int = 1) -> list[nn.Module]:
    return [nn.BatchNorm2d(inputs), nn.ReLU(), convolution(inputs, outputs, kernel_size, stride)]


def convolution(inputs: int, outputs: int, kernel_size: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias; odd kernels keep the size at stride 1."""
    return nn.Conv2d(inputs, outputs, kernel_size, stride, padding=kernel_size // 2, bias=False)
