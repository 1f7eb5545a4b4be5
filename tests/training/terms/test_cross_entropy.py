import math

import pytest
import torch

from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.term import Outputs, Sizes


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_cross_entropy_is_the_slow_formula(smoothing: float) -> None:
    term = CrossEntropy(Sizes(8, 5), label_smoothing=smoothing)
    torch.nn.init.normal_(term.classifier.weight)
    torch.nn.init.normal_(term.classifier.bias)
    embeddings, labels = torch.randn(6, 8), torch.tensor([0, 4, 2, 2, 1, 0])
    with torch.no_grad():
        loss, observed = term(Outputs(embeddings, labels))
    expected, right = 0.0, 0
    for embedding, label in zip(embeddings.tolist(), labels.tolist(), strict=True):
        logits = [
            sum(w * e for w, e in zip(row, embedding, strict=True)) + b
            for row, b in zip(term.classifier.weight.tolist(), term.classifier.bias.tolist(), strict=True)
        ]
        total = sum(math.exp(logit) for logit in logits)
        for person, logit in enumerate(logits):
            target = (1 - smoothing) * (person == label) + smoothing / 5
            expected -= target * math.log(math.exp(logit) / total) / 6
        right += max(range(5), key=logits.__getitem__) == label
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(observed["accuracy"]) == pytest.approx(right / 6)


def test_loss_is_float32_under_autocast() -> None:
    term = CrossEntropy(Sizes(8, 5))
    with torch.autocast("cpu", torch.bfloat16):
        loss, observed = term(Outputs(torch.randn(2, 8), torch.tensor([1, 2])))
    assert loss.dtype == observed["accuracy"].dtype == torch.float32


def test_accuracy_has_no_gradient() -> None:
    """So that it costs nothing in the backward pass."""
    _, observed = CrossEntropy(Sizes(8, 5))(Outputs(torch.randn(2, 8, requires_grad=True), torch.tensor([1, 2])))
    assert not observed["accuracy"].requires_grad
