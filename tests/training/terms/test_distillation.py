import math

import pytest
import torch
from torch.nn import functional

from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.distillation import SelfDistillation, divergence
from scalereid.training.terms.term import Outputs, Sizes

LOGITS = torch.randn(6, 5, generator=torch.Generator().manual_seed(1))
TEACHER = torch.randn(6, 5, generator=torch.Generator().manual_seed(2))
LABELS = torch.tensor([0, 1, 2, 3, 4, 0])


def test_divergence_by_hand() -> None:
    expected = 0.0
    for own, other in zip(LOGITS.tolist(), TEACHER.tolist(), strict=True):
        q = [math.exp(x) / sum(map(math.exp, own)) for x in own]
        p = [math.exp(x) / sum(map(math.exp, other)) for x in other]
        expected += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)) / len(LOGITS)
    assert float(divergence(LOGITS, TEACHER)) == pytest.approx(expected, rel=1e-5)
    assert float(divergence(LOGITS, LOGITS + 3.0)) == pytest.approx(0, abs=1e-6)  # the same predictions
    torchs = functional.kl_div(LOGITS.log_softmax(1), TEACHER.softmax(1), reduction="batchmean")
    assert float(divergence(LOGITS, TEACHER)) == pytest.approx(float(torchs), rel=1e-5)


def test_its_gradient_is_that_of_torchreids_cross_entropy_and_the_teacher_has_none() -> None:
    gradients = []
    for loss in (divergence, lambda own, other: -(other.detach().softmax(1) * own.log_softmax(1)).sum(1).mean()):
        own, other = LOGITS.clone().requires_grad_(), TEACHER.clone().requires_grad_()
        torch.autograd.backward(loss(own, other))
        assert own.grad is not None
        assert other.grad is None
        gradients.append(own.grad)
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-7)
    expected = (LOGITS.softmax(1) - TEACHER.softmax(1)) / len(LOGITS)
    torch.testing.assert_close(gradients[0], expected, rtol=1e-5, atol=1e-7)


def term(weight: float) -> tuple[SelfDistillation, Outputs]:
    """A term whose classifier makes the embeddings themselves its logits."""
    classifier = CrossEntropy(Sizes(5, 5), label_smoothing=0.0)
    with torch.no_grad():
        classifier.classifier.weight.copy_(torch.eye(5))
    return SelfDistillation(classifier, weight=weight), Outputs(LOGITS.clone().requires_grad_(), LABELS, taught=TEACHER)


def test_the_network_learns_from_labels_and_from_its_average() -> None:
    distilled, outputs = term(0.7)
    loss, observed = distilled(outputs)
    cross_entropy, diverged = functional.cross_entropy(LOGITS, LABELS), divergence(LOGITS, TEACHER)
    assert loss.item() == pytest.approx(float(cross_entropy + 0.7 * diverged), rel=1e-6)
    assert set(observed) == set(distilled.observes)
    assert float(observed["cross_entropy"]) == pytest.approx(float(cross_entropy), rel=1e-6)
    assert float(observed["divergence"]) == pytest.approx(float(diverged), rel=1e-6)
    torch.autograd.backward(loss)
    one_hot = functional.one_hot(LABELS, 5)
    expected = (LOGITS.softmax(1) - one_hot + 0.7 * (LOGITS.softmax(1) - TEACHER.softmax(1))) / len(LOGITS)
    torch.testing.assert_close(outputs.embeddings.grad, expected, rtol=1e-5, atol=1e-7)


def test_without_a_teacher_it_says_what_is_missing() -> None:
    distilled, outputs = term(1.0)
    with pytest.raises(ValueError, match=r"outputs\.taught is None; expected the logits of a teacher"):
        distilled(outputs._replace(taught=None))
