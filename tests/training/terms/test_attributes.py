import math

import pytest
import torch

from scalereid.training.terms.attributes import Attributes
from scalereid.training.terms.term import Outputs, Sizes

SHARES = [0.0, 0.5, 0.9]
VALUES = torch.tensor([[1, 0, 1], [0, 1, -1], [-1, -1, -1], [1, 1, 0]])


def outputs(embeddings: torch.Tensor, values: torch.Tensor | None = VALUES) -> Outputs:
    return Outputs(embeddings, torch.zeros(len(embeddings), dtype=torch.long), attributes=values)


def weight(share: float, value: int, balanced: bool) -> float:
    if not balanced:
        return math.exp(-share)
    return 0.5 / max(share if value else 1 - share, 0.01)


@pytest.mark.parametrize("balanced", [False, True])
def test_the_loss_is_that_of_a_double_loop(balanced: bool) -> None:
    term, embeddings = Attributes(Sizes(8, 1), SHARES, balanced=balanced), torch.randn(4, 8)
    with torch.no_grad():
        term.layer.bias.normal_()
        loss, observed = term(outputs(embeddings))
        logits = term.layer(embeddings).tolist()
    total, right, known = 0.0, 0, 0
    for row, wanted in zip(logits, VALUES.tolist(), strict=True):
        for logit, value, share in zip(row, wanted, SHARES, strict=True):
            if value >= 0:
                likelihood = 1 / (1 + math.exp(-logit))
                total -= weight(share, value, balanced) * math.log(likelihood if value else 1 - likelihood)
                right += (likelihood >= 0.5) == value
                known += 1
    assert float(loss) == pytest.approx(total / 12, rel=1e-5)
    assert float(observed["attribute_accuracy"]) == pytest.approx(right / known)


def test_what_is_not_known_has_no_gradient() -> None:
    embeddings = torch.randn(4, 8, requires_grad=True)
    term = Attributes(Sizes(8, 1), SHARES)
    loss, observed = term(outputs(embeddings))
    assert set(observed) == set(term.observes)
    assert loss.requires_grad
    loss.backward()
    assert embeddings.grad is not None
    assert not embeddings.grad[2].any()
    assert embeddings.grad[[0, 1, 3]].any(dim=1).all()
    nothing, observed = term(outputs(torch.randn(4, 8), torch.full((4, 3), -1)))
    assert float(nothing.detach()) == float(observed["attribute_accuracy"]) == 0


def test_parts_of_a_batch_give_the_loss_of_the_whole() -> None:
    """As `compares_images` promises, whichever attributes are known."""
    term, embeddings = Attributes(Sizes(8, 1), SHARES), torch.randn(4, 8)
    halves = [float(term(outputs(embeddings[part], VALUES[part]))[0].detach()) for part in (slice(0, 2), slice(2, 4))]
    assert sum(halves) / 2 == pytest.approx(float(term(outputs(embeddings))[0].detach()), rel=1e-6)
    assert not term.compares_images


def test_without_attributes_it_says_so() -> None:
    with pytest.raises(ValueError, match=r"outputs\.attributes is None; expected the attributes of the images"):
        Attributes(Sizes(8, 1), SHARES)(outputs(torch.randn(4, 8), None))
