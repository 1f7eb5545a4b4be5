"""Deep mutual learning: two networks learn from the labels, and each from what the other predicts."""

from collections.abc import Sequence

from torch import Tensor

from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.distillation import LEARNED, learn
from scalereid.training.terms.part import PEER, Part
from scalereid.training.terms.term import Outputs, Term


class Mutual(Term):
    """Cross-entropy of two networks, plus `weight` times the divergence of each one's predictions from the other's.

    Zhang et al., CVPR 2018. Each network learns from the other as from a teacher that stays as it is. Both do so in
    every step, from predictions of the same weights, as in torchreid's projects/DML; the paper lets them take turns.

    Args:
        classifiers: Those of the first network and of its peer.
        parts: The outputs of each of the two among those of both.
        weight: Weight of each divergence beside each cross-entropy.
    """

    compares_images = False
    observes = (*LEARNED, *(PEER + name for name in LEARNED))

    def __init__(self, classifiers: Sequence[CrossEntropy], parts: Sequence[Part], *, weight: float) -> None:
        super().__init__()
        (self.first, self.peer), self.parts, self.weight = classifiers, parts, weight

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of both networks, and for each the cross-entropy, the accuracy and the divergence from the other."""
        first, peer = (part.of(outputs) for part in self.parts)
        logits, peer_logits = self.first.logits(first.embeddings), self.peer.logits(peer.embeddings)
        loss, observed = learn(self.first, logits, peer_logits, outputs.labels, self.weight)
        peer_loss, peer_observed = learn(self.peer, peer_logits, logits, outputs.labels, self.weight)
        return loss + peer_loss, observed | {PEER + name: value for name, value in peer_observed.items()}
