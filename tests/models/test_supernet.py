import copy
import math
import re

import pytest
import torch
from torch import nn

from scalereid.models.cost import cost
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.genotype import PLACEMENTS, Genotype
from scalereid.models.osnet import OSNet
from scalereid.models.supernet import SearchBlock, SuperNet


def images() -> torch.Tensor:
    return torch.randn(2, 3, 64, 32)


def blocks(net: SuperNet) -> list[SearchBlock]:
    return [module for module in net.modules() if isinstance(module, SearchBlock)]


def test_only_the_sampled_network_reads_its_choices_on_the_host() -> None:
    assert SuperNet(width=0.25).capturable
    assert not SuperNet(width=0.25, sampled=True).capturable
    assert OSNet(width=0.25).capturable


def test_six_blocks_of_four_placements() -> None:
    net = SuperNet(width=0.25)
    assert len(blocks(net)) == 6
    for block in blocks(net):
        norms = [sum(isinstance(m, nn.InstanceNorm2d) for m in candidate.modules()) for candidate in block.candidates]
        assert norms == [0, 1, 1, 2]
    assert isinstance(net.stem.norm, nn.InstanceNorm2d)
    assert not [m for m in net.modules() if isinstance(m, nn.BatchNorm2d | nn.InstanceNorm2d) and m.affine]


def test_a_block_is_the_weighted_sum_of_its_candidates() -> None:
    block = SearchBlock(16, 32).eval()
    maps = torch.randn(2, 16, 6, 5)
    block.weights = torch.tensor([0.1, 0.2, 0.3, 0.4])
    expected = sum(weight * candidate(maps) for weight, candidate in zip(block.weights, block.candidates, strict=True))
    torch.testing.assert_close(block(maps), expected)
    block.chosen = 2
    torch.testing.assert_close(block(maps), 0.3 * block.candidates[2](maps))


def test_evaluation_has_no_noise_and_expects() -> None:
    net = SuperNet(width=0.25).eval()
    nn.init.normal_(net.architecture)
    pictures = images()
    assert torch.equal(net(pictures), net(pictures))
    with torch.no_grad():
        net.architecture.zero_()
        net.architecture[:, 1] = 100.0  # certain
    child = OSNet(width=0.25, genotype=net.genotype("")).eval()
    assert net.genotype("x") == Genotype("instance", ("inside",) * 6, "x")
    trained, state = net.state_dict(), child.state_dict()  # fresh affine norms scale by 1 and shift by 0
    for name in state:
        own = re.sub(r"^(stages\.\d\.[01]\.)", r"\1candidates.1.", name)
        state[name] = trained.get(own, state[name])
    child.load_state_dict(state)
    torch.testing.assert_close(net(pictures), child(pictures), rtol=1e-4, atol=1e-5)


def test_draws_follow_the_probabilities_at_any_temperature() -> None:
    """The argmax of log p + Gumbel noise is a draw from p, whatever the temperature."""
    net = SuperNet(width=0.25)
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
    net = SuperNet(width=0.25)
    with torch.no_grad():
        net.architecture[:, 0], net.architecture[:, 1] = 80.0, -80.0
    net.temperature.fill_(0.05)
    draws = torch.stack([net.draw() for _ in range(50)])
    assert draws.isfinite().all()
    draws[:, :, 2].sum().backward()  # type: ignore[no-untyped-call]
    assert net.architecture.grad is not None
    assert net.architecture.grad.isfinite().all()


@pytest.mark.parametrize("sampled", [False, True])
def test_the_architecture_gets_a_gradient(sampled: bool) -> None:
    model = EmbeddingModel(SuperNet(width=0.25, sampled=sampled), embedding_size=8)
    model(torch.randn(4, 3, 64, 32)).square().sum().backward()
    net = model.backbone
    assert isinstance(net, SuperNet)
    assert net.architecture.grad is not None
    assert net.architecture.grad.isfinite().all()
    assert net.architecture.grad.any(dim=1).all()


def test_sampling_runs_one_candidate_a_block_and_reaches_all() -> None:
    model = EmbeddingModel(SuperNet(width=0.25, sampled=True), embedding_size=8)
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
    net = SuperNet(width=0.25, sampled=True)
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
    net = SuperNet(width=0.25)
    torch.manual_seed(3)
    one = net.draw()
    torch.manual_seed(3)
    assert torch.equal(one, net.draw())


def test_copies_and_costs_after_a_forward() -> None:
    model = EmbeddingModel(SuperNet(width=0.25))
    model.train()(torch.randn(2, 3, 64, 32))
    copy.deepcopy(model)
    one = EmbeddingModel(OSNet(width=0.25))
    assert 2.5 < cost(model).multiply_adds / cost(one).multiply_adds < 4.0
    assert len(PLACEMENTS) == 4
