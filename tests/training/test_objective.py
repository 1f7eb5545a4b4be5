import math

import pytest
import torch

from scalereid.training.objective import Losses, Objective
from scalereid.training.triplet import e_trihard_loss, hard_pairs


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


def test_total_is_the_weighted_sum() -> None:
    """CE + α · E-TriHard + weight · auxiliary CE, the triplet term from its epoch on only."""
    objective = Objective(
        8, 4, triplet=0.5, triplet_from_epoch=3, margin=0.4, ratio=0.8, auxiliary=0.7, auxiliary_channels=6
    ).eval()
    embeddings, labels = torch.randn(8, 8), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    stage_maps = [torch.randn(8, 5, 4, 4), torch.randn(8, 6, 4, 4), torch.randn(8, 7, 2, 2)]
    early, late = (objective(embeddings, labels, stage_maps, epoch=epoch) for epoch in (2, 3))
    pairs = hard_pairs(embeddings, labels)
    e_trihard = e_trihard_loss(pairs, margin=0.4, ratio=0.8)
    auxiliary = torch.nn.functional.cross_entropy(
        objective.branch(stage_maps[1].mean(dim=(2, 3))), labels, label_smoothing=0.1
    )
    torch.testing.assert_close(late.triplet, e_trihard)
    torch.testing.assert_close(late.auxiliary, auxiliary)
    torch.testing.assert_close(early.total, late.cross_entropy + 0.7 * auxiliary)
    torch.testing.assert_close(late.total, late.cross_entropy + 0.5 * e_trihard + 0.7 * auxiliary)
    torch.testing.assert_close(early.triplet, late.triplet)  # shown from the start
    torch.testing.assert_close(late.hardest_positive, pairs.positive.mean())
    torch.testing.assert_close(late.hardest_negative, pairs.negative.mean())
    assert objective.logged == tuple(late.parts()) == Losses._fields


def test_only_what_there_is_is_logged() -> None:
    objective = Objective(8, 5)
    losses = objective(torch.randn(2, 8), torch.tensor([1, 2]))
    assert objective.logged == tuple(losses.parts()) == ("total", "cross_entropy", "accuracy")
    with_triplet = Objective(8, 5, triplet=1.0)
    losses = with_triplet(torch.randn(4, 8), torch.tensor([1, 1, 2, 2]))
    assert with_triplet.logged == tuple(losses.parts())
    assert with_triplet.logged[3:] == ("triplet", "hardest_positive", "hardest_negative")


def test_a_batch_without_positives_is_named() -> None:
    with pytest.raises(ValueError, match="images-per-person"):
        Objective(8, 5, triplet=1.0)(torch.randn(2, 8), torch.tensor([1, 2]))


def test_e_trihard_reaches_the_embeddings() -> None:
    embeddings = torch.randn(4, 8, requires_grad=True)
    objective = Objective(8, 5, triplet=0.5, ratio=0.8)
    objective.requires_grad_(False)
    losses = objective(embeddings, torch.tensor([1, 1, 2, 2]))
    (gradient,) = torch.autograd.grad(losses.total - losses.cross_entropy, embeddings)
    assert gradient.any(dim=1).all()
