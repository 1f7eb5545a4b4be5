"""Distillation: a network learns from the labels, and from what a teacher predicts."""

from torch import Tensor
from torch.nn import functional

from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.term import Outputs, Term

LEARNED = ("cross_entropy", "accuracy", "divergence")
"""Names of what `learn` observes."""


class SelfDistillation(Term):
    """Cross-entropy, plus `weight` times the divergence from the predictions of the teacher, an average of the network itself.

    Args:
        classifier: Of the embeddings.
        weight: Weight of the divergence beside the cross-entropy.
    """

    compares_images = False
    observes = LEARNED

    def __init__(self, classifier: CrossEntropy, *, weight: float) -> None:
        super().__init__()
        self.classifier, self.weight = classifier, weight

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and of it the cross-entropy, the accuracy and the divergence from the teacher.

        Raises:
            ValueError: The outputs are without a teacher's.
        """
        if outputs.taught is None:
            raise ValueError("outputs.taught is None; expected the logits of a teacher (b, people)")
        logits = self.classifier.logits(outputs.embeddings)
        return learn(self.classifier, logits, outputs.taught, outputs.labels, self.weight)


def learn(
    classifier: CrossEntropy, logits: Tensor, teacher: Tensor, labels: Tensor, weight: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """The cross-entropy plus `weight` times the divergence of `logits` from those of a teacher, and the parts of this loss."""
    loss, observed = classifier.of_logits(logits, labels)
    from_teacher = divergence(logits, teacher)
    parts = {"cross_entropy": loss.detach(), "divergence": from_teacher.detach()}
    return loss + weight * from_teacher, observed | parts


def divergence(logits: Tensor, teacher: Tensor) -> Tensor:
    """How far the predictions of `logits` (b, c) are from those of `teacher`, which gets no gradient: at least 0.

    KL(teacher ‖ predictions) in nats, the mean over the images. Its gradient is that of the cross-entropy against the
    teacher's predictions, which torchreid's code has in its place.
    """
    log_p, log_q = functional.log_softmax(teacher.detach(), dim=1), functional.log_softmax(logits, dim=1)
    return functional.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
