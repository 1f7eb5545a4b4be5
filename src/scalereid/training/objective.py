"""What a model is trained for: embeddings and labels to a loss. The classifiers live here, not in the model."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from scalereid.models.layers import EmbeddingLayer, initialise
from scalereid.training.triplet import e_trihard_loss, hard_pairs


class Losses(NamedTuple):
    """The loss of a batch and its parts, each a scalar; None for a part that the objective does not have."""

    total: Tensor
    cross_entropy: Tensor
    accuracy: Tensor
    """The share of images classified right."""
    triplet: Tensor | None = None
    """Triplet or E-TriHard loss, before its weight."""
    hardest_positive: Tensor | None = None
    """Mean distance to the farthest image of the same person. With the next one: both falling to 0 is a collapse."""
    hardest_negative: Tensor | None = None
    """Mean distance to the nearest image of somebody else."""
    auxiliary: Tensor | None = None
    """The auxiliary branch's cross-entropy, before its weight."""

    def parts(self) -> dict[str, Tensor]:
        """Those that there are, by name."""
        return {name: value for name, value in self._asdict().items() if value is not None}


class Objective(nn.Module):
    """Classify the training people, and keep them apart: cross-entropy, and what is asked for besides.

    total = cross-entropy + `triplet` · E-TriHard + `auxiliary` · cross-entropy of the auxiliary branch. The smoothed target of
    the cross-entropy is (1 − ε) for the right person plus ε/C for everyone (Szegedy et al., arXiv:1512.00567, section 7).

    Args:
        embedding_size: d of the embeddings.
        people: classes.
        label_smoothing: ε.
        triplet: weight of the triplet term (DSLNet's α); 0: none.
        triplet_from_epoch: the first epoch, from 0, in which it counts. It is computed from the start.
        margin: of the triplet loss.
        soft_margin: log(1 + exp(·)) in place of the margin.
        ratio: weight of the distance ratio within the triplet term (DSLNet's β); 0: the plain batch-hard triplet loss.
        auxiliary: weight of the auxiliary branch; 0: none.
        auxiliary_channels: of the maps that the auxiliary branch learns from, given as the last stage but one.
    """

    def __init__(
        self,
        embedding_size: int,
        people: int,
        *,
        label_smoothing: float = 0.1,
        triplet: float = 0.0,
        triplet_from_epoch: int = 0,
        margin: float = 0.3,
        soft_margin: bool = False,
        ratio: float = 0.0,
        auxiliary: float = 0.0,
        auxiliary_channels: int = 0,
    ) -> None:
        super().__init__()
        self.classifier = nn.Linear(embedding_size, people)
        self.classifier.apply(initialise)
        self.label_smoothing = label_smoothing
        self.triplet, self.triplet_from_epoch = triplet, triplet_from_epoch
        self.margin, self.soft_margin, self.ratio = margin, soft_margin, ratio
        self.auxiliary = auxiliary
        if auxiliary:
            classifier = nn.Linear(embedding_size, people).apply(initialise)
            self.branch = nn.Sequential(EmbeddingLayer(auxiliary_channels, embedding_size), classifier)
        has = {"triplet": bool(triplet), "auxiliary": bool(auxiliary)}
        has |= {"hardest_positive": bool(triplet), "hardest_negative": bool(triplet)}
        self.logged = tuple(name for name in Losses._fields if has.get(name, True))
        """The names of the losses' parts that there are."""

    def forward(
        self, embeddings: Tensor, labels: Tensor, stage_maps: Sequence[Tensor] = (), *, epoch: int = 0
    ) -> Losses:
        """Losses of embeddings (b, d) with labels (b,) in 0 … people−1, in the given epoch, from 0.

        `stage_maps` are what `EmbeddingModel.with_stages` gives; only the auxiliary branch needs them.

        Raises:
            ValueError: there is a triplet term, and the batch has no positive or no negative for an image.
        """
        logits = self.classifier(embeddings).float()  # the softmax in float32 whatever the layers ran in
        cross_entropy = self._cross_entropy(logits, labels)
        accuracy = (logits.detach().argmax(dim=1) == labels).float().mean()
        losses = Losses(cross_entropy, cross_entropy, accuracy)
        if self.triplet:
            pairs = hard_pairs(embeddings, labels)
            term = e_trihard_loss(pairs, margin=self.margin, soft=self.soft_margin, ratio=self.ratio)
            losses = losses._replace(
                total=losses.total + self.triplet * term if self.triplet_counts(epoch) else losses.total,
                triplet=term,
                hardest_positive=pairs.positive.detach().mean(),
                hardest_negative=pairs.negative.detach().mean(),
            )
        if self.auxiliary:
            auxiliary = self._cross_entropy(self.branch(stage_maps[-2].mean(dim=(2, 3))).float(), labels)
            losses = losses._replace(total=losses.total + self.auxiliary * auxiliary, auxiliary=auxiliary)
        return losses

    def triplet_counts(self, epoch: int) -> bool:
        """Whether the triplet term is part of the total in the given epoch."""
        return bool(self.triplet) and epoch >= self.triplet_from_epoch

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
