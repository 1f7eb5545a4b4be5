import pytest
import torch
from torch import nn
from torch.nn import functional

from scalereid.models.layers import EmbeddingLayer
from scalereid.training.terms.auxiliary import Auxiliary
from scalereid.training.terms.term import Outputs, Sizes

LABELS = torch.tensor([0, 1, 2, 1])


def test_the_branch_learns_from_the_last_stage_but_one() -> None:
    """Written out: pooling, linear layer, batch norm, ReLU, classifier, cross-entropy; no gradient reaches the last stage."""
    term = Auxiliary(Sizes(8, 3, (5, 6, 7)), label_smoothing=0.2)
    maps = [torch.randn(4, channels, 3, 2, requires_grad=True) for channels in (5, 6, 7)]
    loss, observed = term(Outputs(torch.randn(4, 8), LABELS, maps))
    pooled = maps[1].flatten(2).mean(dim=2)
    layer, classifier = term.branch
    assert isinstance(layer, EmbeddingLayer)
    assert isinstance(classifier, nn.Linear)
    hidden = functional.linear(pooled, layer.linear.weight, layer.linear.bias)
    hidden = (hidden - hidden.mean(dim=0)) / (hidden.var(dim=0, correction=0) + layer.norm.eps).sqrt()
    logits = functional.linear(hidden.relu(), classifier.weight, classifier.bias)
    torch.testing.assert_close(loss, functional.cross_entropy(logits, LABELS, label_smoothing=0.2))
    assert observed == {}
    loss.backward()
    assert [tensor.grad is not None for tensor in maps] == [False, True, False]


def test_the_classifier_is_drawn_before_the_layer_below_it() -> None:
    """The order of draws is part of what a seed means."""
    torch.manual_seed(3)
    expected = torch.nn.init.normal_(torch.nn.Linear(8, 3).weight, std=0.01)
    torch.manual_seed(3)
    assert torch.equal(Auxiliary(Sizes(8, 3, (5, 6))).get_parameter("branch.1.weight"), expected)


@pytest.mark.parametrize("channels", [(), (16,)])
def test_a_backbone_without_stages_is_refused(channels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"objective\.auxiliary needs the maps .* set objective\.auxiliary to 0"):
        Auxiliary(Sizes(8, 3, channels))
