import math

import pytest
import torch
from torch import Tensor

from scalereid.training.terms.term import Outputs, Sizes
from scalereid.training.terms.triplet import Triplet, distance_ratio, e_trihard_loss, hard_pairs, triplet_loss

LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2])


def embeddings(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(len(LABELS), 5, dtype=dtype)


def by_hand(points: Tensor, labels: Tensor) -> tuple[list[float], list[float]]:
    """The hardest distances, by loops."""
    positive, negative = [], []
    for i, one in enumerate(points):
        others = [(int(labels[j] == labels[i]), math.dist(one, other)) for j, other in enumerate(points) if j != i]
        positive.append(max(d for same, d in others if same))
        negative.append(min(d for same, d in others if not same))
    return positive, negative


def test_hardest_pairs_are_those_of_a_double_loop() -> None:
    points = embeddings()
    pairs, (positive, negative) = hard_pairs(points, LABELS), by_hand(points, LABELS)
    torch.testing.assert_close(pairs.positive, torch.tensor(positive))
    torch.testing.assert_close(pairs.negative, torch.tensor(negative))


def test_losses_are_the_papers_formulas() -> None:
    points = embeddings()
    pairs = hard_pairs(points, LABELS)
    distances = list(zip(*by_hand(points, LABELS), strict=True))
    hinge = sum(max(0.0, 0.3 + p - n) for p, n in distances) / len(distances)
    soft = sum(math.log(1 + math.exp(p - n)) for p, n in distances) / len(distances)
    ratio = sum(p / n for p, n in distances) / len(distances)
    assert float(triplet_loss(pairs)) == pytest.approx(hinge, rel=1e-5)
    assert float(triplet_loss(pairs, soft=True)) == pytest.approx(soft, rel=1e-5)
    assert float(distance_ratio(pairs)) == pytest.approx(ratio, rel=1e-5)
    assert float(e_trihard_loss(pairs)) == pytest.approx(hinge + 0.8 * ratio, rel=1e-5)
    assert float(e_trihard_loss(pairs, margin=1.0, ratio=0.0)) == pytest.approx(
        sum(max(0.0, 1 + p - n) for p, n in distances) / len(distances), rel=1e-5
    )


def test_a_table_checked_by_hand() -> None:
    """On a line: person 0 at 0 and 2, person 1 at 3 and 7. Hardest pairs: 2|3, 2|1, 4|1, 4|5."""
    pairs = hard_pairs(torch.tensor([[0.0], [2.0], [3.0], [7.0]]), torch.tensor([0, 0, 1, 1]))
    assert pairs.positive.tolist() == [2, 2, 4, 4]
    assert pairs.negative.tolist() == [3, 1, 1, 5]
    assert float(triplet_loss(pairs, margin=0.5)) == pytest.approx((0 + 1.5 + 3.5 + 0) / 4)
    assert float(distance_ratio(pairs)) == pytest.approx((2 / 3 + 2 + 4 + 0.8) / 4)


@pytest.mark.parametrize("soft", [False, True])
def test_gradients_in_float64(soft: bool) -> None:
    points = embeddings(torch.float64).requires_grad_()

    def loss(points: Tensor) -> Tensor:
        return e_trihard_loss(hard_pairs(points, LABELS), margin=1.0, soft=soft, ratio=0.8)

    assert torch.autograd.gradcheck(loss, points)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_duplicates_stay_finite(dtype: torch.dtype) -> None:
    """All of one person's images alike, and the same picture under two names."""
    points = embeddings()
    points[1] = points[2] = points[0]
    points[3] = points[0]
    points = points.to(dtype).requires_grad_()
    loss = e_trihard_loss(hard_pairs(points, LABELS))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.isfinite()
    assert points.grad is not None
    assert points.grad.isfinite().all()
    assert points.grad.any()


def test_a_collapsed_batch_stays_finite() -> None:
    points = torch.zeros(len(LABELS), 5, requires_grad=True)
    loss = e_trihard_loss(hard_pairs(points, LABELS))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == pytest.approx(0.3)  # the margin; the ratio of nothing to nothing counts as nothing
    assert points.grad is not None
    assert not points.grad.any()


def test_distances_are_computed_in_float32() -> None:
    """A difference that half precision cannot square: 300² is beyond its largest number."""
    points = torch.tensor([[0.0], [300.0], [600.0], [610.0]]).half()
    pairs = hard_pairs(points, torch.tensor([0, 0, 1, 1]))
    assert pairs.positive.dtype == torch.float32
    assert pairs.positive.tolist() == [300, 300, 10, 10]
    with torch.autocast("cpu", torch.bfloat16):
        assert hard_pairs(torch.randn(8, 3).bfloat16(), LABELS).negative.dtype == torch.float32


def test_a_batch_without_a_negative_or_a_positive_says_so() -> None:
    with pytest.raises(ValueError, match="shows only person 4, so there is no negative: .* two people"):
        hard_pairs(torch.randn(3, 2), torch.tensor([4, 4, 4]))
    with pytest.raises(
        ValueError,
        match=r"2 of 5 images are the only one of their person .*\(person 7, .* data\.images_per_person of at least 2",
    ):
        hard_pairs(torch.randn(5, 2), torch.tensor([4, 4, 7, 9, 4]))


@pytest.mark.parametrize("soft", [False, True])
def test_the_term_is_the_loss_with_its_settings(soft: bool) -> None:
    points = embeddings().requires_grad_()
    term = Triplet(Sizes(5, 3), margin=0.7, soft_margin=soft, ratio=0.4)
    loss, observed = term(Outputs(points, LABELS))
    pairs = hard_pairs(points, LABELS)
    torch.testing.assert_close(loss, e_trihard_loss(pairs, margin=0.7, soft=soft, ratio=0.4))
    assert float(observed["hardest_positive"]) == pytest.approx(float(pairs.positive.detach().mean()))
    assert float(observed["hardest_negative"]) == pytest.approx(float(pairs.negative.detach().mean()))
    (gradient,) = torch.autograd.grad(loss, points)
    assert gradient.any(dim=1).all()
    assert [*term.parameters()] == []


def test_the_term_is_batch_hard_triplet_by_default() -> None:
    points = embeddings()
    loss, _ = Triplet(Sizes(5, 3))(Outputs(points, LABELS))
    torch.testing.assert_close(loss, triplet_loss(hard_pairs(points, LABELS), margin=0.3))
