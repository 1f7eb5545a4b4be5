import math

import pytest
import torch

from scalereid.training.objective import Objective


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_cross_entropy_is_the_slow_formula(smoothing: float) -> None:
    torch.manual_seed(0)
    objective = Objective(8, 5, label_smoothing=smoothing)
    torch.nn.init.normal_(objective.classifier.weight)
    embeddings, labels = torch.randn(6, 8), torch.tensor([0, 4, 2, 2, 1, 0])
    with torch.no_grad():
        losses = objective(embeddings, labels)
    expected, right = 0.0, 0
    for embedding, label in zip(embeddings.tolist(), labels.tolist(), strict=True):
        logits = [
            sum(w * e for w, e in zip(row, embedding, strict=True)) + b
            for row, b in zip(objective.classifier.weight.tolist(), objective.classifier.bias.tolist(), strict=True)
        ]
        total = sum(math.exp(logit) for logit in logits)
        for person, logit in enumerate(logits):
            target = (1 - smoothing) * (person == label) + smoothing / 5
            expected -= target * math.log(math.exp(logit) / total) / 6
        right += max(range(5), key=logits.__getitem__) == label
    assert float(losses.total) == pytest.approx(expected, rel=1e-5)
    assert float(losses.cross_entropy) == float(losses.total)
    assert float(losses.accuracy) == pytest.approx(right / 6)


def test_loss_is_float32_under_autocast() -> None:
    objective = Objective(8, 5)
    with torch.autocast("cpu", torch.bfloat16):
        assert objective(torch.randn(2, 8), torch.tensor([1, 2])).total.dtype == torch.float32


def test_nobody_known_at_first() -> None:
    """A fresh classifier gives everyone nearly the same chance: the loss starts near log C."""
    with torch.no_grad():
        loss = Objective(512, 100)(torch.rand(64, 512), torch.arange(64)).total
    assert float(loss) == pytest.approx(math.log(100), rel=0.02)
