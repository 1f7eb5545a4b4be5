"""Small layers of which the networks are built."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

MakeNorm = Callable[[int], nn.Module]
InstanceNorm = partial(nn.InstanceNorm2d, affine=True)
"""Normalises each channel of each image by its own mean and deviation, which removes style; learned scale and shift."""


class ConvNorm(nn.Sequential):
    """Convolution without bias, then a norm; odd kernels keep the size at stride 1."""

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

    The pointwise convolution comes first, with nothing in between: the reverse of MobileNet's order.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.depthwise = nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()


class ChannelAverage(nn.AdaptiveAvgPool2d):
    """Average of each channel: maps (b, c, h, w) to (b, c, 1, 1).

    In training by other functions, to the same values: their gradient is channels last in memory, as the maps are, so that
    it can be added to other gradients of the maps as it is (docs/benchmarks.md).
    """

    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, maps: Tensor) -> Tensor:
        """Averaged maps."""
        if not self.training:
            return super().forward(maps)
        return maps.permute(0, 2, 3, 1).flatten(1, 2).mean(dim=1)[:, :, None, None]


class ChannelGate(nn.Module):
    """OSNet's aggregation gate: one weight in (0, 1) per image and channel (arXiv:1905.00953, section 3.2).

    Pool, reduce to a sixteenth, ReLU, restore, sigmoid: maps (b, c, h, w) to weights (b, `weights`, 1, 1). By default one
    weight per channel.
    """

    def __init__(self, channels: int, *, weights: int | None = None) -> None:
        super().__init__()
        self.pool = ChannelAverage()
        hidden = bottleneck(channels)
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.relu = nn.ReLU()
        self.restore = nn.Conv2d(hidden, channels if weights is None else weights, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Weights of the channels of `maps`."""
        return self.restore(self.relu(self.reduce(self.pool(maps)))).sigmoid()


def bottleneck(channels: int) -> int:
    """Hidden width of a gate: a sixteenth of the channels, at least one."""
    return max(1, channels // 16)


class GeneralisedMean(nn.Module):
    """Generalised-mean pooling: maps (b, c, h, w) to (b, c, 1, 1), the p-th root of the mean of p-th powers.

    With p = 1 it is the average, with large p nearly the maximum; p is learned, from 3 on, one for all channels (Radenović et
    al., arXiv:1711.02512, section 3.2). Values below 1e-6 count as that.
    """

    def __init__(self) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.tensor(3.0))

    def forward(self, maps: Tensor) -> Tensor:
        """Pooled maps, computed in float32."""
        values, power = maps.float().clamp_min(1e-6), self.power.float()
        # Relative to the largest value, as powers of small or large ones are 0 or infinite. It cancels out, and so has no
        # gradient.
        largest = values.detach().amax(dim=(2, 3), keepdim=True)
        mean = (values / largest).pow(power).mean(dim=(2, 3), keepdim=True)
        return (largest * mean.pow(1 / power)).to(maps.dtype)


class EmbeddingLayer(nn.Sequential):
    """Linear, batch norm, ReLU: pooled features (b, inputs) to embeddings (b, outputs)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs)
        self.relu = nn.ReLU()
        self.apply(initialise)

    def with_features(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings, twice: they are the features whose distances are learned, too."""
        embeddings = self(pooled)
        return embeddings, embeddings


class BNNeck(nn.Sequential):
    """Batch norm without shift between features (b, outputs), whose distances are learned, and embeddings (b, outputs).

    The classifier sees the embeddings (Luo et al., arXiv:1906.07028, section 3.5). The features are the pooled ones
    (b, inputs); where another size is asked for, a linear layer without bias comes first.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Identity() if inputs == outputs else nn.Linear(inputs, outputs, bias=False)
        self.norm = nn.BatchNorm1d(outputs)
        self.apply(initialise)
        self.norm.bias.requires_grad_(False)  # it stays 0

    def with_features(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings, and the features that they are made of."""
        features = self.linear(pooled)
        return self.norm(features), features


class NoNeck(nn.Sequential):
    """The pooled features as they are: embeddings of a model for classification alone, as of ResNet or MobileNet."""

    def with_features(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """The pooled features, twice."""
        return pooled, pooled


def initialise(module: nn.Module) -> None:
    """Initialise one layer as OSNet's authors do; use with `module.apply(initialise)`.

    Convolutions are Kaiming-normal by fan-out, linear layers N(0, 0.01), norms 1 and 0, biases 0.
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
