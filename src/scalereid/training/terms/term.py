"""The interface of a term of the objective: what it is built from, what it is given, what it returns."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn


class Sizes(NamedTuple):
    """The numbers that a term with weights of its own is built from."""

    embedding_size: int
    people: int
    """Number of people in the training set: the classes of a classifier."""
    stage_channels: tuple[int, ...] = ()
    """Channels of each of the stage maps; empty for a backbone that does not give them."""


class Outputs(NamedTuple):
    """What the model makes of a batch, and who is on its images."""

    embeddings: Tensor
    """(b, d)"""
    labels: Tensor
    """(b,), in 0 … people − 1"""
    stage_maps: Sequence[Tensor] = ()
    """The maps (b, c, h, w) of each stage of the backbone, the last of which were pooled into the embeddings."""
    before_norm: Tensor | None = None
    """What a BNNeck normalised into the embeddings, (b, d); the embeddings themselves, or None, without one."""
    taught: Tensor | None = None
    """The logits (b, people) of a teacher, without gradients; None without one."""

    attributes: Tensor | None = None
    """(b, attributes): 1 where an image has an attribute, 0 where not, −1 where that is not known; None without any."""

    @property
    def features(self) -> Tensor:
        """What terms on distances compare, (b, d): the embeddings, or what they were before a BNNeck's norm."""
        return self.embeddings if self.before_norm is None else self.before_norm


class Term(nn.Module):
    """One term of the objective: a loss, before its weight, and values to log beside it.

    Parameters and buffers of a term are trained, moved and saved with the model's. On a GPU a step is captured as a CUDA graph
    and replayed: a term that reads a value on the host makes training slower, not wrong.
    """

    observes: tuple[str, ...] = ()
    """Names in the log of the values that it returns beside its loss."""
    compares_images: bool = True
    """False if the loss is a mean over images, each by itself, so that a batch can be computed in parts."""

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and the values that `observes` names, each a scalar."""
        raise NotImplementedError(f"{type(self).__name__} does not implement forward")
