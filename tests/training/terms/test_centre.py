import pytest
import torch
from torch import Tensor

from scalereid.training.terms.centre import Centre
from scalereid.training.terms.term import Outputs, Sizes


def naive(centres: Tensor, features: Tensor, labels: Tensor, rate: float) -> Tensor:
    """Equation 4 of the paper, person by person."""
    moved = centres.clone()
    for person in range(len(centres)):
        own = [x for x, label in zip(features, labels, strict=True) if label == person]
        difference = sum((centres[person] - x for x in own), torch.zeros_like(centres[person])) / (1 + len(own))
        moved[person] = centres[person] - rate * difference
    return moved


def test_the_loss_and_the_centres_are_the_papers() -> None:
    term = Centre(Sizes(3, 5), rate=0.4)
    expected = torch.zeros(5, 3)
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        features, labels = torch.randn(8, 3, generator=generator), torch.randint(0, 5, (8,), generator=generator)
        loss, observed = term(Outputs(features, labels))
        distances = [float((x - expected[label]).norm()) for x, label in zip(features, labels, strict=True)]
        assert float(loss) == pytest.approx(sum(d**2 for d in distances) / 8, rel=1e-5)
        assert float(observed["centre_distance"]) == pytest.approx(sum(distances) / 8, rel=1e-5)
        expected = naive(expected, features, labels, 0.4)
        torch.testing.assert_close(term.centres, expected)


def test_centres_take_no_gradient_and_stay_outside_training() -> None:
    term = Centre(Sizes(3, 2))
    assert [*term.parameters()] == []
    assert [*term.state_dict()] == ["centres"]  # saved with the rest
    features = torch.randn(4, 3, requires_grad=True)
    labels = torch.tensor([0, 0, 1, 1])
    loss, _ = term.eval()(Outputs(features, labels))
    assert not term.centres.any()
    (gradient,) = torch.autograd.grad(loss, features)
    torch.testing.assert_close(gradient, 2 * features.detach() / 4)
    loss, _ = term.train()(Outputs(features, labels))
    (gradient,) = torch.autograd.grad(loss, features)  # of the centres before they moved
    torch.testing.assert_close(gradient, 2 * features.detach() / 4)
    assert term.centres.any()


def test_centres_reach_the_mean_of_their_people() -> None:
    term, labels = Centre(Sizes(2, 2)), torch.tensor([1, 1, 1])
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 0.0]])
    for _ in range(60):
        term(Outputs(features, labels))
    torch.testing.assert_close(term.centres, torch.tensor([[0.0, 0.0], [3.0, 2.0]]))


def test_features_and_not_embeddings_are_drawn_together() -> None:
    embeddings, features = torch.randn(2, 4, 3)
    loss, _ = Centre(Sizes(3, 2))(Outputs(embeddings, torch.tensor([0, 0, 1, 1]), (), features))
    torch.testing.assert_close(loss, features.square().sum(dim=1).mean())


def test_half_precision_is_computed_in_float32() -> None:
    term = Centre(Sizes(2, 2))
    with torch.autocast("cpu", torch.bfloat16):
        loss, _ = term(Outputs(torch.full((4, 2), 300.0).half(), torch.tensor([0, 0, 1, 1])))
    assert float(loss) == 180_000
    assert term.centres.dtype == torch.float32
