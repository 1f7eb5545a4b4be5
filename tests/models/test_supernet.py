import copy
import math
import re
from collections.abc import Callable

import pytest
import torch
from torch import nn

from scalereid.models.backbone import Backbone
from scalereid.models.cost import cost
from scalereid.models.dslnet import DenseScaleBlock, DSLNet
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.genotype import PLACEMENTS, Genotype
from scalereid.models.osnet import OmniScaleBlock, OSNet
from scalereid.models.residual import ResidualBlock
from scalereid.models.supernet import DSLNetSearch, OSNetSearch, SearchBlock, SuperNet

KINDS = pytest.mark.parametrize("search", [OSNetSearch, DSLNetSearch])
Search = Callable[..., SuperNet]


def images() -> torch.Tensor:
    return torch.randn(2, 3, 64, 32)


def blocks(net: SuperNet) -> list[SearchBlock]:
    return [module for module in net.modules() if isinstance(module, SearchBlock)]


def test_only_the_sampled_network_reads_its_choices_on_the_host() -> None:
    assert OSNetSearch(width=0.25).capturable
    assert not OSNetSearch(width=0.25, sampled=True).capturable
    assert OSNet(width=0.25).capturable


@KINDS
def test_six_blocks_of_four_placements(search: Search) -> None:
    net = search(width=0.25)
    kind = OmniScaleBlock if search is OSNetSearch else DenseScaleBlock
    assert len(blocks(net)) == 6
    for block in blocks(net):
        norms = [sum(isinstance(m, nn.InstanceNorm2d) for m in candidate.modules()) for candidate in block.candidates]
        assert norms == [0, 1, 1, 2]
        assert {type(candidate) for candidate in block.candidates} == {kind}
    assert isinstance(net.stem.norm, nn.InstanceNorm2d)


@KINDS
def test_no_norm_scales_or_shifts(search: Search) -> None:
    """Those of the trunk and that of the embeddings, as NORM_AFFINE = False in the authors' code."""
    model = EmbeddingModel(search(width=0.25), embedding_size=8)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm2d)]
    assert isinstance(model.embedding.norm, nn.BatchNorm1d)
    assert not [norm for norm in norms if norm.affine or norm.weight is not None or norm.bias is not None]


def test_initialised_as_published() -> None:
    """PyTorch's defaults, uniform within 1 / √fan-in, biases too; the architecture from 1."""
    model = EmbeddingModel(OSNetSearch(width=0.5), embedding_size=512)
    layers = {"stem": model.get_submodule("backbone.stem.conv"), "embedding": model.embedding.linear}
    for layer in layers.values():
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        limit = layer.weight[0].numel() ** -0.5
        for values in (each.detach() for each in (layer.weight, layer.bias) if each is not None):
            assert 0.9 * limit < float(values.abs().max()) <= limit
            assert float(values.std()) == pytest.approx(limit / 3**0.5, rel=0.1)
    net = model.backbone
    assert isinstance(net, SuperNet)
    assert (net.architecture == 1).all()


def test_at_the_start_the_gradient_is_the_published_one() -> None:
    """Of log(ReLU(α) / Σ ReLU(α)) and of log softmax(α) at α = 1; elsewhere they differ."""

    def gradient(log_probabilities: Callable[[torch.Tensor], torch.Tensor], start: float) -> torch.Tensor:
        alpha = torch.full((4,), start, requires_grad=True)
        loss = log_probabilities(alpha) @ torch.tensor([0.3, -1.0, 2.0, 0.5])
        return torch.autograd.grad(loss, alpha)[0]

    for start, equal in ((1.0, True), (2.0, False)):
        published = gradient(lambda alpha: (alpha.relu() / alpha.relu().sum()).log(), start)
        ours = gradient(lambda alpha: alpha.log_softmax(dim=0), start)
        assert torch.allclose(published, ours) == equal


@pytest.mark.parametrize("kind", [OmniScaleBlock, DenseScaleBlock])
def test_a_block_is_the_weighted_sum_of_its_candidates(kind: type[ResidualBlock]) -> None:
    block = SearchBlock(12, 48, block=kind).eval()
    maps = torch.randn(2, 12, 6, 5)
    block.weights = torch.tensor([0.1, 0.2, 0.3, 0.4])
    expected = sum(weight * candidate(maps) for weight, candidate in zip(block.weights, block.candidates, strict=True))
    torch.testing.assert_close(block(maps), expected)
    block.chosen = 2
    torch.testing.assert_close(block(maps), 0.3 * block.candidates[2](maps))


@KINDS
def test_evaluation_has_no_noise_and_expects(search: Search) -> None:
    net = search(width=0.25).eval()
    nn.init.normal_(net.architecture)
    pictures = images()
    assert torch.equal(net(pictures), net(pictures))
    with torch.no_grad():
        net.architecture.zero_()
        net.architecture[:, 1] = 100.0  # certain
    child_of: type[Backbone] = OSNet if search is OSNetSearch else DSLNet
    child = child_of(width=0.25, genotype=net.genotype("")).eval()
    assert net.genotype("x") == Genotype("instance", ("inside",) * 6, "x")
    trained, state = net.state_dict(), child.state_dict()  # fresh affine norms scale by 1 and shift by 0
    for name in state:
        own = re.sub(r"^(stages\.\d\.[01]\.)", r"\1candidates.1.", name)
        state[name] = trained.get(own, state[name])
    child.load_state_dict(state)
    torch.testing.assert_close(net(pictures), child(pictures), rtol=1e-4, atol=1e-5)


def test_draws_follow_the_probabilities_at_any_temperature() -> None:
    """The argmax of log p + Gumbel noise is a draw from p, whatever the temperature."""
    net = OSNetSearch(width=0.25)
    with torch.no_grad():
        net.architecture[0] = torch.tensor([0.1, 0.2, 0.3, 0.4]).log()
        for temperature in (10.0, 0.1):
            net.temperature.fill_(temperature)
            draws = torch.stack([net.draw() for _ in range(4000)])
            torch.testing.assert_close(draws.sum(dim=2), torch.ones(4000, 6))
            shares = draws[:, 0].argmax(dim=1).bincount(minlength=4) / 4000
            torch.testing.assert_close(shares, torch.tensor([0.1, 0.2, 0.3, 0.4]), atol=0.03, rtol=0)
    assert draws.max(dim=2).values.mean() > 0.9  # cold: nearly a choice
    net.temperature.fill_(10.0)
    assert torch.stack([net.draw() for _ in range(200)]).max(dim=2).values.mean() < 0.4  # hot: nearly equal


def test_draws_stay_finite_where_a_candidate_is_all_but_ruled_out() -> None:
    """The published sampling takes log(ReLU(α)) and an unshifted exponential, which break here."""
    net = OSNetSearch(width=0.25)
    with torch.no_grad():
        net.architecture[:, 0], net.architecture[:, 1] = 80.0, -80.0
    net.temperature.fill_(0.05)
    draws = torch.stack([net.draw() for _ in range(50)])
    assert draws.isfinite().all()
    draws[:, :, 2].sum().backward()  # type: ignore[no-untyped-call]
    assert net.architecture.grad is not None
    assert net.architecture.grad.isfinite().all()


@KINDS
@pytest.mark.parametrize("sampled", [False, True])
def test_the_architecture_gets_a_gradient(search: Search, sampled: bool) -> None:
    model = EmbeddingModel(search(width=0.25, sampled=sampled), embedding_size=8)
    model(torch.randn(4, 3, 64, 32)).square().sum().backward()
    net = model.backbone
    assert isinstance(net, SuperNet)
    assert net.architecture.grad is not None
    assert net.architecture.grad.isfinite().all()
    assert net.architecture.grad.any(dim=1).all()


def test_sampling_runs_one_candidate_a_block_and_reaches_all() -> None:
    model = EmbeddingModel(OSNetSearch(width=0.25, sampled=True), embedding_size=8)
    ran = set()
    for _ in range(40):
        model.zero_grad()
        model(torch.randn(2, 3, 64, 32)).square().sum().backward()
        for number, block in enumerate(m for m in model.modules() if isinstance(m, SearchBlock)):
            weights = [candidate.get_parameter("reduce.conv.weight") for candidate in block.candidates]
            (chosen,) = [choice for choice, weight in enumerate(weights) if weight.grad is not None]
            ran.add((number, chosen))
    assert len(ran) == 24


def test_a_sampled_forward_is_the_chosen_networks() -> None:
    """Straight-through: the weights of a draw are 1 for the chosen candidate, so nothing is scaled."""
    net = OSNetSearch(width=0.25, sampled=True)
    with torch.no_grad():
        net.architecture.zero_()
        net.architecture[:, 3] = 50.0
    pictures = images()
    net.train()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    drawn = net(pictures)
    torch.testing.assert_close(drawn, net.eval()(pictures), rtol=1e-4, atol=1e-5)
    assert math.isclose(float(net.probabilities[0, 3].detach()), 1.0)


def test_the_same_seed_draws_the_same() -> None:
    net = OSNetSearch(width=0.25)
    torch.manual_seed(3)
    one = net.draw()
    torch.manual_seed(3)
    assert torch.equal(one, net.draw())


def test_copies_and_costs_after_a_forward() -> None:
    model = EmbeddingModel(OSNetSearch(width=0.25))
    model.train()(torch.randn(2, 3, 64, 32))
    copy.deepcopy(model)
    one = EmbeddingModel(OSNet(width=0.25))
    assert 2.5 < cost(model).multiply_adds / cost(one).multiply_adds < 4.0
    assert len(PLACEMENTS) == 4
