import math

import pytest
import torch
from torch import Tensor

from scalereid.training.terms.circle import Circle, circle_loss, cosines
from scalereid.training.terms.pairs import pairs_of
from scalereid.training.terms.term import Outputs, Sizes

LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2])


def by_hand(points: Tensor, margin: float, scale: float) -> float:
    """The paper's equations with numbers alone: a loop over images, and over the pairs of each."""
    losses = []
    for i, one in enumerate(points):
        within = between = 0.0
        for j, other in enumerate(points):
            s = float(one @ other / (one.norm() * other.norm()))
            if i != j and LABELS[i] == LABELS[j]:
                within += math.exp(-scale * max(0.0, 1 + margin - s) * (s - (1 - margin)))
            elif LABELS[i] != LABELS[j]:
                between += math.exp(scale * max(0.0, s + margin) * (s - margin))
        losses.append(math.log(1 + within * between))
    return sum(losses) / len(losses)


@pytest.mark.parametrize(("margin", "scale"), [(0.25, 128.0), (0.4, 16.0), (0.0, 1.0)])
def test_the_loss_is_the_papers_formula(margin: float, scale: float) -> None:
    points = torch.randn(8, 5, dtype=torch.float64)
    loss = circle_loss(cosines(points), pairs_of(LABELS), margin=margin, scale=scale)
    assert float(loss) == pytest.approx(by_hand(points, margin, scale), rel=1e-9)


def test_a_table_checked_by_hand() -> None:
    """Two people with two images each, all at right angles but a person's own: sp = 1, sn = 0, so each loss is the same."""
    points = torch.eye(2).repeat_interleave(2, dim=0)
    loss = circle_loss(cosines(points), pairs_of(torch.tensor([0, 0, 1, 1])), margin=0.25, scale=4.0)
    within = math.exp(-4 * 0.25 * 0.25)  # weight 1 + m − 1, distance 1 − (1 − m)
    between = 2 * math.exp(4 * 0.25 * -0.25)
    assert float(loss) == pytest.approx(math.log(1 + within * between))


def test_weights_take_no_gradient() -> None:
    """Equation 8's weights are constants: the gradient is that of finite differences with the weights held."""
    points = torch.randn(8, 5, dtype=torch.float64)
    similarities = cosines(points).requires_grad_()
    circle_loss(similarities, pairs_of(LABELS), scale=8.0).backward()  # type: ignore[no-untyped-call]
    held = similarities.detach()

    def with_weights_held(s: Tensor) -> Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for i in range(8):
            within = between = torch.zeros((), dtype=torch.float64)
            for j in range(8):
                if i != j and LABELS[i] == LABELS[j]:
                    within = within + torch.exp(-8 * max(0.0, 1.25 - float(held[i, j])) * (s[i, j] - 0.75))
                elif LABELS[i] != LABELS[j]:
                    between = between + torch.exp(8 * max(0.0, float(held[i, j]) + 0.25) * (s[i, j] - 0.25))
            total = total + torch.log(1 + within * between)
        return total / 8

    again = held.clone().requires_grad_()
    with_weights_held(again).backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(similarities.grad, again.grad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_duplicates_and_zeros_stay_finite(dtype: torch.dtype) -> None:
    points = torch.randn(8, 5).to(dtype)
    points[1] = points[2] = points[3] = points[0]
    points[5] = points[6] = 0
    points.requires_grad_()
    loss, observed = Circle(Sizes(5, 3))(Outputs(points, LABELS))
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert all(value.isfinite() for value in observed.values())
    assert points.grad is not None
    assert points.grad.isfinite().all()
    assert points.grad.any()


def test_the_term_compares_features_and_observes_mean_similarities() -> None:
    embeddings, features = torch.randn(2, 8, 5)
    loss, observed = Circle(Sizes(5, 3), margin=0.3, scale=9.0)(Outputs(embeddings, LABELS, (), features))
    similarities, pairs = cosines(features), pairs_of(LABELS)
    torch.testing.assert_close(loss, circle_loss(similarities, pairs, margin=0.3, scale=9.0))
    torch.testing.assert_close(observed["positive_similarity"], similarities[pairs.positive].mean())
    torch.testing.assert_close(observed["negative_similarity"], similarities[pairs.negative].mean())
