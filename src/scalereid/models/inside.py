"""What a network computes on the way to its embeddings: the maps of its stages, and the weights of its streams."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from torch import Tensor, nn

from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.fusion import WeightedFusion
from scalereid.models.residual import ResidualBlock


class Inside(NamedTuple):
    """What a network computes of a batch of images."""

    embeddings: Tensor
    """(b, embedding_size)."""
    stages: list[Tensor]
    """The feature maps (b, c, h', w') of each stage; a backbone without stages has only its last ones."""
    weights: list[Tensor]
    """Weight of each stream in each channel (b, streams, channels), block by block; empty where no block weights streams."""


def look_inside(model: EmbeddingModel, images: Tensor) -> Inside:
    """What `model`, a single network, computes of normalised images (b, 3, h, w).

    The gates are computed a second time, by hooks that are gone afterwards: the model itself stays as it is, and as fast.
    """
    with _observed_weights(model) as weights:
        embeddings, stages, _ = model.with_stages(images)
    return Inside(embeddings, stages, weights)


def activation(maps: Tensor) -> Tensor:
    """Activation maps (b, h, w) of feature maps (b, c, h, w), as OSNet's and DSLNet's figures show them.

    The sum over the channels of the absolute values, for each image divided by its Euclidean norm; all zeros stay zeros. The
    authors' code sums squares instead.
    """
    sums = maps.abs().sum(dim=1)
    return sums / sums.flatten(1).norm(dim=1).clamp_min(1e-12)[:, None, None]


def stream_shares(weights: Tensor) -> Tensor:
    """Share of each stream (…, streams) in all the weights (…, streams, channels) of a block; the shares sum to 1."""
    means = weights.mean(dim=-1)
    return means / means.sum(dim=-1, keepdim=True).clamp_min(1e-12)


def receptive_fields(model: nn.Module) -> list[tuple[int, ...]]:
    """Of each block that weights streams the sides of the squares that its streams see, in pixels of its maps."""
    return [block.receptive_fields for block, _ in _weighted_blocks(model)]


def _weighted_blocks(model: nn.Module) -> list[tuple[ResidualBlock, WeightedFusion]]:
    """The blocks of a model that weight streams, in their order, each with what weights them."""
    blocks = ((block, getattr(block, "fusion", None)) for block in model.modules() if isinstance(block, ResidualBlock))
    return [(block, fusion) for block, fusion in blocks if isinstance(fusion, WeightedFusion)]


@contextmanager
def _observed_weights(model: nn.Module) -> Iterator[list[Tensor]]:
    """A list that gets the weights of each block's streams while the model computes within the context."""
    found: list[Tensor] = []

    def observe(fusion: WeightedFusion, inputs: tuple[list[Tensor]]) -> None:
        found.append(fusion.weights(inputs[0]).flatten(2))

    hooks = [fusion.register_forward_pre_hook(observe) for _, fusion in _weighted_blocks(model)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
