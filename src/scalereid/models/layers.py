"""The small layers that networks here are built of."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

MakeNorm = Callable[[int], nn.Module]
InstanceNorm = partial(nn.InstanceNorm2d, affine=True)
"""Each image's each channel by its own mean and deviation, which takes out a picture's style; learned scale and shift."""


class ConvNorm(nn.Sequential):
    """Convolution without bias, then a norm. Same padding for odd kernels at stride 1."""

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int = 1, *, stride: int = 1, norm: MakeNorm = nn.BatchNorm2d
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size, stride, padding=kernel_size // 2, bias=False)
        self.norm = norm(outputs)


class ConvNormReLU(ConvNorm):
    """Convolution without bias, a norm, ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int = 1, *, stride: int = 1, norm: MakeNorm = nn.BatchNorm2d
    ) -> None:
        super().__init__(inputs, outputs, kernel_size, stride=stride, norm=norm)
        self.relu = nn.ReLU()


class Lite3x3(nn.Sequential):
    """OSNet's factorised 3×3 convolution: 1×1, then depthwise 3×3, batch norm, ReLU (arXiv:1905.00953, figure 3b).

    Point-wise first and nothing between the two, the reverse of MobileNet's order.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.depthwise = nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()


class ChannelGate(nn.Module):
    """OSNet's aggregation gate: one weight in (0, 1) per image and channel (arXiv:1905.00953, section 3.2).

    Pool, reduce to a sixteenth, ReLU, restore, sigmoid. Maps (b, c, h, w) to weights (b, c, 1, 1), or to (b, 1, 1, 1) where
    one weight is to hold for all channels.
    """

    def __init__(self, channels: int, *, weights: int | None = None) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        hidden = bottleneck(channels)
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.relu = nn.ReLU()
        self.restore = nn.Conv2d(hidden, channels if weights is None else weights, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Weights for the channels of `maps`."""
        return self.restore(self.relu(self.reduce(self.pool(maps)))).sigmoid()


def bottleneck(channels: int) -> int:
    """The hidden width of a small net that weighs so many channels: a sixteenth of them, one at least."""
    return max(1, channels // 16)


class EmbeddingLayer(nn.Sequential):
    """Linear, batch norm, ReLU: pooled features (b, inputs) to embeddings (b, outputs), never negative."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs)
        self.relu = nn.ReLU()
        self.apply(initialise)


def initialise(module: nn.Module) -> None:
    """Set one layer's parameters as OSNet's authors do; use with `module.apply(initialise)`.

    Convolutions Kaiming-normal by fan-out, linear layers N(0, 0.01), norms 1 and 0, biases 0.
    """
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.ones_(module.weight)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
