"""Deep mutual learning: two networks learn from the labels, and each from what the other predicts."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.part import PEER, Part
from scalereid.training.terms.term import Outputs, Term

_OBSERVED = ("cross_entropy", "accuracy", "divergence")


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
    observes = (*_OBSERVED, *(PEER + name for name in _OBSERVED))

    def __init__(self, classifiers: Sequence[CrossEntropy], parts: Sequence[Part], *, weight: float) -> None:
        super().__init__()
        (self.first, self.peer), self.parts, self.weight = classifiers, parts, weight

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of both networks, and for each the cross-entropy, the accuracy and the divergence from the other."""
        first, peer = (part.of(outputs) for part in self.parts)
        logits, peer_logits = self.first.logits(first.embeddings), self.peer.logits(peer.embeddings)
        loss, observed = self._learn(self.first, logits, peer_logits, outputs.labels)
        peer_loss, peer_observed = self._learn(self.peer, peer_logits, logits, outputs.labels)
        return loss + peer_loss, observed | {PEER + name: value for name, value in peer_observed.items()}

    def _learn(
        self, classifier: CrossEntropy, logits: Tensor, teacher: Tensor, labels: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of one network, and its parts."""
        loss, observed = classifier.of_logits(logits, labels)
        from_teacher = divergence(logits, teacher)
        parts = {"cross_entropy": loss.detach(), "divergence": from_teacher.detach()}
        return loss + self.weight * from_teacher, observed | parts


def divergence(logits: Tensor, teacher: Tensor) -> Tensor:
    """How far the predictions of `logits` (b, c) are from those of `teacher`, which gets no gradient: at least 0.

    KL(teacher ‖ predictions) in nats, the mean over the images. Its gradient is that of the cross-entropy against the
    teacher's predictions, which torchreid's code has in its place.
    """
    log_p, log_q = functional.log_softmax(teacher.detach(), dim=1), functional.log_softmax(logits, dim=1)
    return functional.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
