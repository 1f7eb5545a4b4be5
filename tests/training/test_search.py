import json
import math
from functools import partial

import pytest
import torch

from scalereid.models.building import build_model
from scalereid.models.supernet import SuperNet
from scalereid.training.objective import Objective, ScheduledTerm
from scalereid.training.optimization import build_optimizer
from scalereid.training.search import SearchState, SearchStep, temperature
from scalereid.training.state import TrainingState
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.typed_json import from_json
from tests.conftest import same
from tests.training.conftest import sizes_of

IMAGES, LABELS = torch.randn(8, 3, 32, 16), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])


def test_temperature_as_published() -> None:
    assert [temperature(epoch) for epoch in (0, 19, 20, 40, 60, 80, 119)] == [10, 10, 5, 2.5, 1.25, 1, 1]


def searching(*, samples: int = 1, bilevel: bool = False, backbone: str = "osnet_supernet") -> SearchStep:
    """A step of a small super-network, always with the same weights, whose architecture is the optimizer's second group."""
    torch.manual_seed(0)
    model = build_model(backbone, width=0.25, embedding_size=8)
    net = model.backbone
    assert isinstance(net, SuperNet)
    objective = Objective([ScheduledTerm("cross_entropy", CrossEntropy(sizes_of(model)))])
    weights = [parameter for parameter in model.parameters() if parameter is not net.architecture]
    optimizer = build_optimizer(
        "sgd",
        [*weights, *objective.parameters()],
        no_weight_decay=[net.architecture],
        lr=0.05,
        weight_decay=0.1,
        momentum=0.9,
    )
    state = TrainingState(model, objective, optimizer, torch.amp.GradScaler("cpu", enabled=False))
    cooling = partial(temperature, start=8.0, halve_every=2, lowest=3.0)
    step = SearchStep(state, net, temperature=cooling, samples=samples, bilevel=bilevel)
    step.begin_epoch()
    return step


def test_the_temperature_is_set_at_the_beginning_of_each_epoch() -> None:
    step, seen = searching(), []
    for step.state.epoch in range(6):
        step.begin_epoch()
        seen.append(float(step.supernet.temperature))
    assert seen == [8, 8, 4, 4, 3, 3]


def test_search_state() -> None:
    step = searching()
    fresh = step.search_state()
    assert fresh.placements == ("none", "inside", "outside", "both")
    assert fresh.probabilities == ((0.25,) * 4,) * 6
    assert fresh.entropy == pytest.approx([math.log(4)] * 6)
    assert fresh.temperature == 8
    with torch.no_grad():
        step.supernet.architecture[2, 1] = 1000.0
    state = step.search_state()
    assert state.probabilities[2] == (0, 1, 0, 0)
    assert state.entropy[2] == 0
    assert step.genotype("here").placements[2] == "inside"
    assert step.genotype("here").origin == "here"


def state_of(*blocks: tuple[float, ...]) -> SearchState:
    entropy = tuple(-sum(p * math.log(p) for p in block if p) for block in blocks)
    return SearchState(("none", "inside", "outside", "both"), blocks, entropy, 1.0)


def test_what_is_chosen_and_by_how_much() -> None:
    """Entropies in shares of ln 4: 1, 0.955 and 0.706, and 0 for what is certain."""
    state = state_of((0.25,) * 4, (0.2, 0.4, 0.22, 0.18), (0.1, 0.1, 0.1, 0.7), (0, 0, 1, 0))
    assert state.largest_entropy == pytest.approx(1.386294)
    equal, leaning, clear, certain = state.choices()
    assert (equal.probability, equal.margin, equal.decided) == (0.25, 0, False)
    assert (leaning.placement, leaning.second, leaning.decided) == ("inside", "outside", False)
    assert leaning.margin == pytest.approx(0.18)
    assert (clear.placement, clear.second, clear.decided) == ("both", "none", True)
    assert (clear.margin, clear.entropy) == pytest.approx((0.6, 0.940448))
    assert certain.decided
    assert state.undecided() == [1, 2]
    assert state.verdict() == "undecided in 2 of 4 blocks: 1, 2"
    assert state_of((0, 0, 1, 0), (0, 1, 0, 0)).verdict() == "decided in all 2 blocks"


def test_search_state_as_json() -> None:
    state = searching().search_state()
    values = json.loads(json.dumps(state.to_json()))
    assert values.keys() == {"placements", "probabilities", "entropy", "temperature"}
    assert values["probabilities"][5] == [0.25] * 4
    assert from_json(SearchState, values, "search") == state


def test_a_network_that_chooses_on_the_host_is_not_captured() -> None:
    assert searching().capturable
    assert not searching(backbone="osnet_supernet_sampled").capturable


@pytest.mark.parametrize("bilevel", [False, True])
def test_each_sample_is_a_step_of_its_own(bilevel: bool) -> None:
    """Two samples of a batch are two steps by that batch, as in the authors' code; what is logged is their mean."""
    once, twice = searching(bilevel=bilevel), searching(samples=2, bilevel=bilevel)
    torch.manual_seed(5)
    values = [once(IMAGES, LABELS) for _ in range(2)]
    torch.manual_seed(5)
    mean = twice(IMAGES, LABELS)
    torch.testing.assert_close((values[0] + values[1]) / 2, mean)
    assert same(once.state.model.state_dict(), twice.state.model.state_dict())
    assert not torch.equal(values[0], values[1])


def test_bilevel_moves_weights_by_one_half_and_architecture_by_the_other() -> None:
    step = searching(bilevel=True)
    net, optimizer = step.supernet, step.state.optimizer
    before = net.architecture.detach().clone(), net.stem.conv.weight.detach().clone()
    seen: list[tuple[bool, bool]] = []
    original = optimizer.step

    def spy() -> None:
        seen.append((net.stem.conv.weight.grad is not None, net.architecture.grad is not None))
        original()

    optimizer.step = spy  # type: ignore[method-assign,assignment]
    step(IMAGES, LABELS)
    assert seen == [(True, False), (False, True)]
    assert not torch.equal(before[0], net.architecture)
    assert not torch.equal(before[1], net.stem.conv.weight)


def test_bilevel_weights_do_not_depend_on_the_other_half() -> None:
    weights = []
    for change in (0.0, 3.0):
        step = searching(bilevel=True)
        images = IMAGES.clone()
        images[4:] += change
        torch.manual_seed(7)
        step(images, LABELS)
        weights.append((step.supernet.stem.conv.weight.detach(), step.supernet.architecture.detach()))
    assert torch.equal(weights[0][0], weights[1][0])
    assert not torch.equal(weights[0][1], weights[1][1])


def test_a_search_repeats_bit_for_bit() -> None:
    found = []
    for _ in range(2):
        step = searching(samples=2, bilevel=True)
        found.append((step(IMAGES, LABELS).tolist(), step.search_state()))
    assert found[0] == found[1]
    assert found[0][1].probabilities != ((0.25,) * 4,) * 6
