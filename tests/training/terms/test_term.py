import pytest
import torch

from scalereid.training.terms import TERMS
from scalereid.training.terms.term import Outputs, Sizes, Term

SIZES = Sizes(embedding_size=8, people=4, stage_channels=(5, 6, 7))
LABELS = torch.arange(4).repeat_interleave(2)


@pytest.mark.parametrize("name", TERMS)
def test_every_term_keeps_the_contract(name: str) -> None:
    """Built from sizes alone: a loss that is a finite scalar with a gradient, and the scalars that it says it observes."""
    term = TERMS[name](SIZES)
    assert isinstance(term, Term)
    embeddings = torch.randn(8, 8, requires_grad=True)
    maps = [torch.randn(8, channels, 4, 2, requires_grad=True) for channels in SIZES.stage_channels]
    loss, observed = term(Outputs(embeddings, LABELS, maps))
    assert loss.shape == ()
    assert loss.isfinite()
    assert tuple(observed) == term.observes
    assert all(value.shape == () and not value.requires_grad for value in observed.values())
    loss.backward()
    reached = [tensor.grad for tensor in (embeddings, *maps) if tensor.grad is not None]
    assert reached
    assert all(gradient.isfinite().all() and gradient.any() for gradient in reached)


@pytest.mark.parametrize("name", TERMS)
def test_every_term_is_fixed_by_the_seed(name: str) -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(4)
        states.append(TERMS[name](SIZES).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_a_term_without_forward_says_so() -> None:
    class Unfinished(Term):
        pass

    with pytest.raises(NotImplementedError, match="Unfinished does not implement forward"):
        Unfinished()(Outputs(torch.zeros(2, 3), torch.zeros(2)))
