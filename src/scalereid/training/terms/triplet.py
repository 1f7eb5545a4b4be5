"""Losses on distances: batch-hard triplet, and E-TriHard, which also shrinks each person relative to the others.

For every image of a batch the hardest positive is the same person's farthest other image, the hardest negative the nearest
image of another person (Hermans et al., arXiv:1703.07737, section 2).
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from scalereid.training.terms.pairs import pairs_of
from scalereid.training.terms.term import Outputs, Sizes, Term

SMALLEST_NEGATIVE = 1e-3
"""In the ratio, the distance at which nearer hardest negatives count, with no gradient: two people with the same picture
are a mistake in the labels, and must not make the weights diverge."""


class Triplet(Term):
    """The E-TriHard loss, or with `ratio` 0 the batch-hard triplet loss; see `e_trihard_loss`. It has no weights to size."""

    observes = ("hardest_positive", "hardest_negative")

    def __init__(self, sizes: Sizes, *, margin: float = 0.3, soft_margin: bool = False, ratio: float = 0.0) -> None:  # noqa: ARG002
        super().__init__()
        self.margin, self.soft_margin, self.ratio = margin, soft_margin, ratio

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and the mean distances of the hardest pairs: both falling to 0 is a collapse.

        Raises:
            ValueError: An image of the batch has no positive or no negative.
        """
        pairs = hard_pairs(outputs.features, outputs.labels)
        loss = e_trihard_loss(pairs, margin=self.margin, soft=self.soft_margin, ratio=self.ratio)
        positive, negative = pairs.positive.detach().mean(), pairs.negative.detach().mean()
        return loss, {"hardest_positive": positive, "hardest_negative": negative}


class HardPairs(NamedTuple):
    """Euclidean distances (b,) of each image to its hardest positive and to its hardest negative."""

    positive: Tensor
    negative: Tensor


def hard_pairs(embeddings: Tensor, labels: Tensor) -> HardPairs:
    """The hardest pairs of embeddings (b, d) with labels (b,), computed in float32 at least.

    Duplicates are at distance 0 exactly, with gradient 0.

    Raises:
        ValueError: An image is its person's only one in the batch, or the batch shows only one person.
    """
    embeddings = embeddings.float() if embeddings.dtype in (torch.float16, torch.bfloat16) else embeddings
    pairs = pairs_of(labels)
    with torch.no_grad(), torch.autocast(embeddings.device.type, enabled=False):
        distances = torch.cdist(embeddings, embeddings, compute_mode="donot_use_mm_for_euclid_dist")
        farthest = distances.masked_fill(~pairs.positive, -torch.inf).argmax(dim=1)
        nearest = distances.masked_fill(~pairs.negative, torch.inf).argmin(dim=1)
    return HardPairs(*(torch.linalg.vector_norm(embeddings - embeddings[of], dim=1) for of in (farthest, nearest)))


def triplet_loss(pairs: HardPairs, *, margin: float = 0.3, soft: bool = False) -> Tensor:
    """Mean of max(0, margin + positive − negative), or with `soft` of log(1 + exp(positive − negative)) without a margin."""
    difference = pairs.positive - pairs.negative
    return functional.softplus(difference).mean() if soft else functional.relu(margin + difference).mean()


def distance_ratio(pairs: HardPairs) -> Tensor:
    """Mean of positive / negative: small when a person's images lie close together compared with other people's."""
    return (pairs.positive / pairs.negative.clamp_min(SMALLEST_NEGATIVE)).mean()


def e_trihard_loss(pairs: HardPairs, *, margin: float = 0.3, soft: bool = False, ratio: float = 0.8) -> Tensor:
    """DSLNet's enhanced triplet loss: the batch-hard triplet loss plus `ratio` (its β) times the distance ratio.

    ACCV 2020, section 3.3. With `ratio` 0 it is the batch-hard triplet loss.
    """
    loss = triplet_loss(pairs, margin=margin, soft=soft)
    return loss + ratio * distance_ratio(pairs) if ratio else loss
