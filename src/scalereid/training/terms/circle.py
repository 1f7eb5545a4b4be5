"""Circle loss: similarities of pairs, each weighted by how far it is from its optimum."""

import torch
from torch import Tensor
from torch.nn import functional

from scalereid.training.terms.pairs import Pairs, pairs_of
from scalereid.training.terms.term import Outputs, Sizes, Term

SHORTEST = 1e-3
"""Length at which shorter features count: the direction of nothing must not make the weights diverge."""


class Circle(Term):
    """The circle loss of pairs, see `circle_loss`. It has no weights to size."""

    observes = ("positive_similarity", "negative_similarity")

    def __init__(self, sizes: Sizes, *, margin: float = 0.25, scale: float = 128.0) -> None:  # noqa: ARG002
        super().__init__()
        self.margin, self.scale = margin, scale

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and the mean cosine of all positive and of all negative pairs: both rising to 1 is a collapse.

        Raises:
            ValueError: An image of the batch has no positive or no negative.
        """
        similarities, pairs = cosines(outputs.features), pairs_of(outputs.labels)
        loss = circle_loss(similarities, pairs, margin=self.margin, scale=self.scale)
        means = ((similarities.detach() * mask).sum() / mask.sum() for mask in pairs)
        return loss, dict(zip(self.observes, means, strict=True))


def cosines(features: Tensor) -> Tensor:
    """The cosine of each pair of features (b, d), computed in float32 at least: (b, b)."""
    with torch.autocast(features.device.type, enabled=False):
        half = features.dtype in (torch.float16, torch.bfloat16)
        unit = functional.normalize(features.float() if half else features, eps=SHORTEST)
        return unit @ unit.T


def circle_loss(similarities: Tensor, pairs: Pairs, *, margin: float = 0.25, scale: float = 128.0) -> Tensor:
    """The circle loss of similarities (b, b) of images.

    Sun et al., CVPR 2020, arXiv:2002.10857, equations 4 to 8: the mean over images of log(1 + Σ exp(γ αₙ (sₙ − m)) ·
    Σ exp(−γ αₚ (sₚ − 1 + m))), with the weights αₙ = max(0, sₙ + m) and αₚ = max(0, 1 + m − sₚ), which take no gradient; γ is
    `scale`, m is `margin`. The defaults are the paper's for person re-identification.
    """
    fixed = similarities.detach()
    positive = -scale * (1 + margin - fixed).clamp_min(0) * (similarities - (1 - margin))
    negative = scale * (fixed + margin).clamp_min(0) * (similarities - margin)
    return functional.softplus(_log_sum_exp(positive, pairs.positive) + _log_sum_exp(negative, pairs.negative)).mean()


def _log_sum_exp(values: Tensor, mask: Tensor) -> Tensor:
    return values.masked_fill(~mask, -torch.inf).logsumexp(dim=1)
