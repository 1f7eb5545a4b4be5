"""How streams at different scales become one map: what OSNet's and DSLNet's ablations compare.

Each takes the streams' channels and number, and maps a list of (b, channels, h, w) to one (b, out_channels, h, w).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from scalereid.models.layers import ChannelGate, bottleneck


class Fusion(nn.Module):
    """What every fusion promises."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__()
        self.channels = channels
        self.streams = streams
        self.out_channels = channels

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The streams (b, channels, h, w) as one map (b, out_channels, h, w)."""
        raise NotImplementedError


class Addition(Fusion):
    """The plain sum (OSNet's row 5, and DSLNet without attention); of a single stream, that stream."""

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The sum (b, channels, h, w)."""
        return add(streams)


class Concatenation(Fusion):
    """All channels of all streams, side by side (OSNet's row 4)."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.out_channels = channels * streams

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The channels of all streams (b, channels · streams, h, w)."""
        return torch.cat(list(streams), dim=1)


class SharedGate(Fusion):
    """OSNet's unified aggregation gate: one gate weighs every stream's channels (arXiv:1905.00953, equation 3)."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.gate = ChannelGate(channels)

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The weighted sum (b, channels, h, w)."""
        return add([self.gate(stream) * stream for stream in streams])


class SharedStreamGate(SharedGate):
    """One gate for all streams that gives each a single weight, not one per channel (OSNet's row 7)."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.gate = ChannelGate(channels, weights=1)


class SeparateGates(Fusion):
    """A gate of its own for each stream (OSNet's row 6)."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.gates = nn.ModuleList(ChannelGate(channels) for _ in range(streams))

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The weighted sum (b, channels, h, w)."""
        return add([gate(stream) * stream for gate, stream in zip(self.gates, streams, strict=True)])


class FixedGates(Fusion):
    """Weights that are learned but the same for every image (OSNet's row 8).

    How they are kept in bounds is not published; here by a sigmoid, as the dynamic gates are. All start at a half.
    """

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.logits = nn.Parameter(torch.zeros(streams, channels, 1, 1))

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The weighted sum (b, channels, h, w)."""
        return add([weights * stream for weights, stream in zip(self.logits.sigmoid(), streams, strict=True)])


class SqueezeExcitation(Fusion):
    """The sum, weighed by one gate that looks at the sum (arXiv:1709.01507; the SE row of DSLNet's attention table)."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.gate = ChannelGate(channels)

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The weighted sum (b, channels, h, w)."""
        total = add(streams)
        return self.gate(total) * total


class ChannelwiseSelection(Fusion):
    """DSLNet's channel-wise scale selection: for every channel, a softmax over the streams (ACCV 2020, section 3.2).

    The streams' sum is pooled to a vector, split into as many groups as there are streams; from its group each stream's
    own two-layer net makes one number per channel; their softmax over the streams weighs the streams' channels. Grouped
    1×1 convolutions compute all the nets at once. With `split=False` every net sees the whole vector.

    Raises:
        ValueError: the channels cannot be split evenly.
    """

    def __init__(self, channels: int, streams: int, *, split: bool = True) -> None:
        super().__init__(channels, streams)
        if split and channels % streams:
            raise ValueError(f"{channels} channels cannot be split evenly among {streams} streams; change the width")
        hidden = streams * bottleneck(channels)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, hidden, 1, groups=streams if split else 1)
        self.relu = nn.ReLU()
        self.restore = nn.Conv2d(hidden, streams * channels, 1, groups=streams)

    def weights(self, streams: Sequence[Tensor]) -> Tensor:
        """Each stream's share in each channel (b, streams, channels, 1, 1); the shares of a channel sum to 1."""
        scores = self.restore(self.relu(self.reduce(self.pool(add(streams)))))
        return scores.unflatten(1, (self.streams, self.channels)).softmax(dim=1)

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The weighted sum (b, channels, h, w)."""
        shares = self.weights(streams).unbind(dim=1)
        return add([share * stream for share, stream in zip(shares, streams, strict=True)])


def add(maps: Sequence[Tensor]) -> Tensor:
    """The sum of one or more maps."""
    first, *others = maps
    return sum(others, start=first)
