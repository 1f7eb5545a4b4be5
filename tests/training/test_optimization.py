import math
from typing import Any

import pytest
import torch
from torch import nn

from scalereid.training.optimization import build_optimizer, learning_rate


def test_step_decay_by_hand() -> None:
    rates = [learning_rate(epoch, base=0.065, epochs=350, decay="step", steps=(150, 225, 300)) for epoch in range(350)]
    assert rates[0] == rates[149] == 0.065
    assert rates[150] == pytest.approx(0.0065)
    assert rates[224] == rates[150]
    assert rates[225] == pytest.approx(0.00065)
    assert rates[349] == pytest.approx(0.000065)


@pytest.mark.parametrize(
    ("decay", "scheduler"),
    [
        ("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20)),
        ("step", lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [5, 12], 0.1)),
        ("constant", lambda o: torch.optim.lr_scheduler.ConstantLR(o, 1.0)),
    ],
)
def test_agrees_with_torch_stepped_per_epoch(decay: Any, scheduler: Any) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.3)
    schedule = scheduler(optimizer)
    for epoch in range(20):
        ours = learning_rate(epoch, base=0.3, epochs=20, decay=decay, steps=(5, 12))
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        schedule.step()


def test_warmup_rises_linearly_into_the_decay() -> None:
    def rate(epoch: int, progress: float) -> float:
        return learning_rate(epoch, progress, base=1.0, epochs=10, decay="constant", warmup_epochs=2)

    assert [rate(0, 0.5), rate(0, 1.0), rate(1, 0.5), rate(1, 1.0), rate(2, 0.0)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    warm = learning_rate(1, 0.5, base=1.0, epochs=10, decay="cosine", warmup_epochs=4)
    assert warm == pytest.approx(1.5 / 4 * (1 + math.cos(math.pi / 10)) / 2)


def test_sgd_is_the_published_rule() -> None:
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = build_optimizer("sgd", [weight], lr=0.1, weight_decay=0.01, momentum=0.9)
    value, velocity = 2.0, 0.0
    for _ in range(5):
        weight.grad = 3 * weight.detach()
        velocity = 0.9 * velocity + (3 * value + 0.01 * value)
        value -= 0.1 * velocity
        optimizer.step()
    assert float(weight.detach()) == pytest.approx(value, rel=1e-5)


def test_amsgrad_never_forgets_a_large_gradient() -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = build_optimizer("amsgrad", [weight], lr=0.01, weight_decay=0.1, momentum=0.0)
    value, first, second, largest = 1.0, 0.0, 0.0, 0.0
    for step, gradient in enumerate([10.0, 0.1, -0.2, 0.1], start=1):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        penalised = gradient + 0.1 * value
        first = 0.9 * first + 0.1 * penalised
        second = 0.999 * second + 0.001 * penalised**2
        largest = max(largest, second)
        value -= 0.01 * (first / (1 - 0.9**step)) / (math.sqrt(largest / (1 - 0.999**step)) + 1e-8)
    assert float(weight.detach()) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("name", ["sgd", "amsgrad"])
def test_weight_decay_is_of_the_first_group_only(name: Any) -> None:
    decayed, other = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    optimizer = build_optimizer(name, [decayed], lr=0.1, weight_decay=0.5, momentum=0.0, no_weight_decay=[other])
    for parameter in (decayed, other):
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    assert (decayed < 1).all()
    assert (other == 1).all()


def test_momentum_is_there_before_the_first_step() -> None:
    weight = nn.Parameter(torch.ones(3))
    optimizer = build_optimizer("sgd", [weight], lr=0.1, weight_decay=0.0, momentum=0.9)
    assert torch.equal(optimizer.state[weight]["momentum_buffer"], torch.zeros(3))
    assert not build_optimizer("sgd", [weight], lr=0.1, weight_decay=0.0, momentum=0.0).state
