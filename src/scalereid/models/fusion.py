"""Fusion of streams at different scales into one map; OSNet's and DSLNet's ablations compare these.

Each is made from the streams' channels and number, and maps a list of (b, channels, h, w) to one (b, out_channels, h, w).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from scalereid.models.layers import ChannelAverage, ChannelGate, bottleneck


class Fusion(nn.Module):
    """Base class of all fusions."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__()
        self.channels, self.streams, self.out_channels = channels, streams, channels

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The streams (b, channels, h, w) as one map (b, out_channels, h, w)."""
        raise NotImplementedError


class WeightedFusion(Fusion):
    """Base class of the fusions that sum the streams with a weight of each stream in each channel."""

    def weights(self, streams: Sequence[Tensor]) -> Tensor:
        """Weight of each stream in each channel (b, streams, channels, 1, 1)."""
        raise NotImplementedError


MakeFusion = Callable[[int, int], Fusion]
"""Makes a fusion from the streams' channels and number."""


class Addition(Fusion):
    """Plain sum (OSNet's row 5, and DSLNet without attention); the stream itself if there is only one."""

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The sum (b, channels, h, w)."""
        return add(streams)


class Concatenation(Fusion):
    """Concatenation of the streams' channels (OSNet's row 4)."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.out_channels = channels * streams

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The concatenated streams (b, channels · streams, h, w)."""
        return torch.cat(list(streams), dim=1)


class SharedGate(WeightedFusion):
    """OSNet's unified aggregation gate: one gate weights the channels of every stream (arXiv:1905.00953, equation 3)."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.gate = ChannelGate(channels)

    def weights(self, streams: Sequence[Tensor]) -> Tensor:
        """Weight of each stream in each channel (b, streams, channels, 1, 1), each from 0 to 1."""
        return _side_by_side([self.gate(stream) for stream in streams], self.channels)

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The weighted sum (b, channels, h, w)."""
        return add([self.gate(stream) * stream for stream in streams])


class SharedStreamGate(SharedGate):
    """One gate for all streams that gives each stream a single weight, not one per channel (OSNet's row 7)."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.gate = ChannelGate(channels, weights=1)


class SeparateGates(WeightedFusion):
    """A separate gate for each stream (OSNet's row 6)."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.gates = nn.ModuleList(ChannelGate(channels) for _ in range(streams))

    def weights(self, streams: Sequence[Tensor]) -> Tensor:
        """Weight of each stream in each channel (b, streams, channels, 1, 1), each from 0 to 1."""
        gates = [gate(stream) for gate, stream in zip(self.gates, streams, strict=True)]
        return _side_by_side(gates, self.channels)

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The weighted sum (b, channels, h, w)."""
        return add([gate(stream) * stream for gate, stream in zip(self.gates, streams, strict=True)])


class FixedGates(WeightedFusion):
    """Learned weights that are the same for every image (OSNet's row 8).

    How they are bounded is not published; here by a sigmoid, as the dynamic gates are. They are initialised to 0.5.
    """

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.logits = nn.Parameter(torch.zeros(streams, channels, 1, 1))

    def weights(self, streams: Sequence[Tensor]) -> Tensor:
        """Weight of each stream in each channel (b, streams, channels, 1, 1), each from 0 to 1, the same for every image."""
        return self.logits.sigmoid().expand(len(streams[0]), -1, -1, -1, -1)

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The weighted sum (b, channels, h, w)."""
        return add([weights * stream for weights, stream in zip(self.logits.sigmoid(), streams, strict=True)])


class SqueezeExcitation(Fusion):
    """The sum, weighted by a gate computed from the sum (arXiv:1709.01507; the SE row of DSLNet's attention table)."""

    def __init__(self, channels: int, streams: int) -> None:
        super().__init__(channels, streams)
        self.gate = ChannelGate(channels)

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The weighted sum (b, channels, h, w)."""
        total = add(streams)
        return self.gate(total) * total


class ChannelwiseSelection(WeightedFusion):
    """DSLNet's channel-wise scale selection: for every channel, a softmax over the streams (ACCV 2020, section 3.2).

    The streams' sum is pooled to a vector, which is split into one group per stream. From its group, each stream's own
    two-layer network computes one score per channel; the softmax of the scores over the streams weights the streams'
    channels. Grouped 1×1 convolutions compute all networks at once. With `split=False` every network sees the whole vector.

    Raises:
        ValueError: The channels cannot be split evenly.
    """

    def __init__(self, channels: int, streams: int, *, split: bool = True) -> None:
        super().__init__(channels, streams)
        if split and channels % streams:
            raise ValueError(f"{channels} channels cannot be split evenly among {streams} streams; change the width")
        hidden = streams * bottleneck(channels)
        self.pool = ChannelAverage()
        self.reduce = nn.Conv2d(channels, hidden, 1, groups=streams if split else 1)
        self.relu = nn.ReLU()
        self.restore = nn.Conv2d(hidden, streams * channels, 1, groups=streams)

    def weights(self, streams: Sequence[Tensor]) -> Tensor:
        """Weight of each stream in each channel (b, streams, channels, 1, 1); the weights of a channel sum to 1."""
        scores = self.restore(self.relu(self.reduce(self.pool(add(streams)))))
        return scores.unflatten(1, (self.streams, self.channels)).softmax(dim=1)

    def forward(self, streams: Sequence[Tensor]) -> Tensor:
        """The weighted sum (b, channels, h, w)."""
        weights = self.weights(streams).unbind(dim=1)
        return add([weight * stream for weight, stream in zip(weights, streams, strict=True)])


def add(maps: Sequence[Tensor]) -> Tensor:
    """Sum of one or more maps."""
    first, *others = maps
    return sum(others, start=first)


def _side_by_side(gates: Sequence[Tensor], channels: int) -> Tensor:
    """The weights of several streams, each (b, channels or 1, 1, 1), as one tensor (b, streams, channels, 1, 1)."""
    return torch.stack([gate.expand(-1, channels, -1, -1) for gate in gates], dim=1)
