"""Attributes: a layer on the embeddings learns which of them each image has."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from scalereid.models.layers import initialise
from scalereid.training.terms.term import Outputs, Sizes, Term


class Attributes(Term):
    """Binary cross-entropy of a linear layer on the embeddings, attribute by attribute, each with a weight.

    The weight of an attribute that a share r of the training images has is exp(−r): the rarer, the larger (Li et al., ACPR
    2015, with σ = 1; OSNet, arXiv:1905.00953, supplement B, whose code has the same). The loss is the mean over all images and
    attributes, of which those that are not known add 0.

    Args:
        sizes: See `Sizes`.
        shares: For each attribute the share of training images that have it.
    """

    compares_images = False
    observes = ("attribute_accuracy",)
    weights: Tensor

    def __init__(self, sizes: Sizes, shares: Sequence[float]) -> None:
        super().__init__()
        self.layer = nn.Linear(sizes.embedding_size, len(shares)).apply(initialise)
        self.register_buffer("weights", torch.exp(-torch.tensor([*shares], dtype=torch.float32)))

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
        return (losses * self.weights * known).mean(), {"attribute_accuracy": right}
