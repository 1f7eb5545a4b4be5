"""OSNet's streams merged into one chain of layers: fewer, wider layers that give the same embeddings."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from scalereid.models.fusion import SharedGate
from scalereid.models.layers import Lite3x3
from scalereid.models.osnet import OmniScaleBlock


def merge_streams(model: nn.Module) -> nn.Module | None:
    """A copy of a model with fused batch norms in which the streams of each omni-scale block are one chain of layers.

    The first 1×1 convolutions, which read the same maps, become one convolution; the later ones become one with a group for
    each stream; the gate sees all streams at once. OSNet then takes 79 convolutions instead of 187: fewer launches on a GPU.
    None for a network without blocks that can be merged.
    """
    model = copy.deepcopy(model)
    blocks = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if type(child) is OmniScaleBlock and _can_merge(child)  # a subclass may compute something else
    ]
    for parent, name, block in blocks:
        setattr(parent, name, MergedBlock(block))
    return model if blocks else None


class MergedBlock(nn.Module):
    """What an `OmniScaleBlock` with fused batch norms computes, level by level for all streams at once."""

    def __init__(self, block: OmniScaleBlock) -> None:
        super().__init__()
        streams = _layers(block)
        fusion: Any = block.fusion
        self.channels, self.streams, self.gate = fusion.channels, len(streams), fusion.gate
        depths = [len(stream) for stream in streams]
        # From the shallowest to the deepest, so that the streams that end at a level are always the first channels.
        order = sorted(range(len(streams)), key=depths.__getitem__)
        levels = [[streams[i][level] for i in order if depths[i] > level] for level in range(max(depths))]
        self.levels = nn.ModuleList(_side_by_side(layers, same_input=not level) for level, layers in enumerate(levels))
        self.ending = [depths.count(level + 1) for level in range(max(depths))]
        self.reduce, self.restore, self.shortcut = block.reduce, block.restore, block.shortcut
        self.outside, self.relu = block.outside, block.relu

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, outputs, h, w)."""
        remaining, ended = self.reduce(maps), []
        for layers, ending in zip(self.levels, self.ending, strict=True):
            remaining = layers(remaining)
            if ending:
                ended.append(remaining[:, : ending * self.channels])
                remaining = remaining[:, ending * self.channels :]
        streams = torch.unflatten(torch.cat(ended, dim=1), 1, (self.streams, self.channels))
        pooled = streams.mean(dim=(3, 4), keepdim=True).flatten(0, 1)
        weights = torch.unflatten(self.gate(pooled), 0, (-1, self.streams))
        return self.relu(self.outside(self.restore((weights * streams).sum(dim=1)) + self.shortcut(maps)))


def _layers(block: OmniScaleBlock) -> list[list[Any]]:
    return [[*stream.children()] for stream in block.streams]


def _can_merge(block: OmniScaleBlock) -> bool:
    layers = [layer for stream in _layers(block) for layer in stream]
    return (
        len(block.streams) > 1
        and type(block.fusion) is SharedGate
        and all(type(layer) is Lite3x3 and isinstance(layer.norm, nn.Identity) for layer in layers)
    )


def _side_by_side(layers: Sequence[Any], *, same_input: bool) -> nn.Module:
    """Several Lite 3×3 layers as one, which all read the same maps or each its own channels."""
    channels = sum(layer.depthwise.groups for layer in layers)
    return nn.Sequential(
        _joined([layer.pointwise for layer in layers], groups=1 if same_input else len(layers)),
        _joined([layer.depthwise for layer in layers], groups=channels),
        nn.ReLU(),
    )


def _joined(convolutions: Sequence[Any], *, groups: int) -> nn.Conv2d:
    first = convolutions[0]
    inputs = first.in_channels if groups == 1 else sum(one.in_channels for one in convolutions)
    outputs = sum(one.out_channels for one in convolutions)
    bias = first.bias is not None
    joined = nn.Conv2d(inputs, outputs, first.kernel_size, padding=first.padding, groups=groups, bias=bias)
    for name, _ in [*joined.named_parameters()]:
        values = torch.cat([getattr(one, name) for one in convolutions])
        setattr(joined, name, nn.Parameter(values, requires_grad=False))
    return joined
