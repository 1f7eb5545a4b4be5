"""Attributes: a layer on the embeddings learns which of them each image has."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from scalereid.models.layers import initialise
from scalereid.training.terms.term import Outputs, Sizes, Term

_RAREST = 0.01  # share of images: a rarer attribute would rule the loss by a few of them


class Attributes(Term):
    """Binary cross-entropy of a linear layer on the embeddings, attribute by attribute, each with a weight.

    The weight of an attribute that a share r of the training images has is exp(−r), whether an image has it or not (OSNet,
    arXiv:1905.00953, supplement B, and its code). Balanced, an image with the attribute weighs 1/(2r) and one without it
    1/(2(1 − r)): both kinds add as much to the loss, as they do to the mean accuracy. The loss is the mean over all images and
    attributes, of which those that are not known add 0.

    Args:
        sizes: See `Sizes`.
        shares: For each attribute the share of training images that have it.
        balanced: Whether weights are balanced; shares below 1 % or above 99 % count as these.
    """

    compares_images = False
    observes = ("attribute_accuracy",)
    weights: Tensor
    """(2, attributes) those of images without and with each attribute."""

    def __init__(self, sizes: Sizes, shares: Sequence[float], *, balanced: bool = False) -> None:
        super().__init__()
        self.layer = nn.Linear(sizes.embedding_size, len(shares)).apply(initialise)
        share = torch.tensor([*shares], dtype=torch.float32)
        weights = (
            0.5 / torch.stack([1 - share, share]).clamp_min(_RAREST) if balanced else torch.exp(-share).repeat(2, 1)
        )
        self.register_buffer("weights", weights)

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss in float32, and the share of the known attributes that are recognised.

        Raises:
            ValueError: The outputs are without attributes.
        """
        if outputs.attributes is None:
            raise ValueError("outputs.attributes is None; expected the attributes of the images (b, attributes)")
        logits: Tensor = self.layer(outputs.embeddings).float()
        known, there = outputs.attributes >= 0, outputs.attributes == 1
        losses = functional.binary_cross_entropy_with_logits(logits, there.float(), reduction="none")
        right = (((logits.detach() >= 0) == there) & known).sum() / known.sum().clamp_min(1)
        weights = torch.where(there, self.weights[1], self.weights[0])
        return (losses * weights * known).mean(), {"attribute_accuracy": right}
