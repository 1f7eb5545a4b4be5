import random

import numpy as np
import pytest
import torch

from scalereid.training.objective import ScheduledTerm
from scalereid.training.state import OptimizerState, RandomGenerators
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.triplet import Triplet
from tests.training.conftest import fresh, run, sizes_of, small_model, state_of


def test_everything_with_a_state_is_registered_under_a_name_of_its_own() -> None:
    state = fresh()
    assert [*state.registered] == ["model", "objective", "optimizer", "scaler", "counters", "random"]
    peer = small_model()
    state.register("peer", peer)
    assert state.registered["peer"] is peer
    for taken in ("peer", "random", "my.peer"):
        with pytest.raises(ValueError, match=rf"Cannot register a state as '{taken}': .* other than \['model'"):
            state.register(taken, peer)


def test_means_are_of_what_the_epoch_computes() -> None:
    """A value that is absent from an epoch is not a mean of zeros."""
    model = small_model()
    sizes = sizes_of(model)
    triplet = ScheduledTerm("triplet", Triplet(sizes), first_epoch=2, watch_from=1)
    state = state_of(model, [ScheduledTerm("cross_entropy", CrossEntropy(sizes)), triplet])
    state.sums = torch.tensor([6.0, 3.0, 1.5, 0.0, 0.0, 0.0])
    state.step = 3
    assert state.means() == {"total": 2.0, "cross_entropy": 1.0, "accuracy": 0.5}
    state.sums, state.epoch = torch.tensor([6.0, 3.0, 1.5, 9.0, 12.0, 15.0]), 1
    assert list(state.means()) == [*state.objective.logged]
    assert state.means()["hardest_negative"] == 5.0
    state.step = 0
    assert state.means()["total"] == 6.0  # before the first step there is nothing to divide by


def test_the_learning_rate_is_that_of_every_group() -> None:
    state = fresh()
    state.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))]})
    state.optimizer.param_groups[1]["lr"] = tensor = torch.zeros(())
    state.set_learning_rate(0.125)
    assert state.optimizer.param_groups[0]["lr"] == 0.125
    assert state.optimizer.param_groups[1]["lr"] is tensor
    assert float(tensor) == 0.125


@pytest.mark.parametrize("name", ["sgd", "amsgrad"])
def test_an_optimizer_goes_on_where_another_was(name: str) -> None:
    """With the same values, laid out in memory as the parameters are, which are channels last."""
    one, other = fresh(name), fresh(name)  # type: ignore[arg-type]
    run(one, 1)
    saved = {key: tensor.contiguous().clone() for key, tensor in OptimizerState(one.optimizer).state_dict().items()}
    OptimizerState(other.optimizer).load_state_dict(saved)
    again = OptimizerState(other.optimizer).state_dict()
    assert again.keys() == saved.keys()
    assert all(torch.equal(again[key], tensor) for key, tensor in saved.items())
    assert other.optimizer.param_groups[0]["lr"] == 0.05
    strides = set()
    for state in (one, other):
        for parameter, values in state.optimizer.state.items():
            own = [value for value in values.values() if value is not None and value.shape == parameter.shape]
            assert own
            assert all(value.stride() == parameter.stride() for value in own)
            strides.add(parameter.is_contiguous())
    assert strides == {True, False}  # which are told apart


def test_counters_come_back() -> None:
    one, other = fresh(), fresh()
    run(one, 2)
    one.step, one.sums = 3, one.sums + 1.5
    other.load_state_dict(one.state_dict())
    assert (other.epoch, other.step) == (2, 3)
    assert torch.equal(other.sums, one.sums)


def test_every_generator_draws_on() -> None:
    def draws() -> list[float]:
        legacy = np.random.normal()  # of a pair, whose other number is kept for the next draw
        return [random.random(), random.gauss(0, 1), legacy, float(np.random.rand()), float(torch.rand(1))]

    draws()
    saved = RandomGenerators().state_dict()
    expected = [draws(), draws()]
    RandomGenerators().load_state_dict(saved)
    assert [draws(), draws()] == expected
