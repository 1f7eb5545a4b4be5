"""The training loop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from scalereid.training.state import TrainingState
from scalereid.training.step import Step

CHECK_EVERY = 10  # steps between looking at the loss, except on a CPU: each look makes a GPU wait for the host


class Batches(Protocol):
    """Batches of images (b, 3, h, w) and labels (b,) for any epoch, from any batch on."""

    def steps(self, epoch: int) -> int:
        """Number of batches in `epoch`."""

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of `epoch`, from number `start` on."""


class Interrupted(Exception):  # noqa: N818 - a request, not an error
    """Training was asked to stop; the step in progress was finished."""


@dataclass(frozen=True)
class Callbacks:
    """What is called on the way."""

    after_steps: Callable[[], None] = lambda: None
    """After every few steps."""
    after_epoch: Callable[[dict[str, float], float], None] = lambda *_: None
    """After each epoch, with the mean of each logged value over it, and the learning rate at its end."""


def train(
    state: TrainingState,
    step: Step,
    batches: Batches,
    *,
    epochs: int,
    learning_rate: Callable[[int, float], float],
    callbacks: Callbacks = Callbacks(),
    stop_requested: Callable[[], bool] = lambda: False,
) -> None:
    """Train from wherever `state` stands, which is changed in place, to the end of epoch `epochs` − 1.

    `batches` are on the model's device. `learning_rate` is a function of (epoch, share of it done after this step).
    `stop_requested` is asked before each epoch and after each step.

    Raises:
        FloatingPointError: A loss was not finite.
        Interrupted: `stop_requested` returned True; `state` stands at the next step.
    """
    check_every = 1 if state.device.type == "cpu" else CHECK_EVERY
    while state.epoch < epochs:
        if stop_requested():
            raise Interrupted
        step.begin_epoch()
        steps = batches.steps(state.epoch)
        for images, labels in batches.epoch(state.epoch, start=state.step):
            rate = learning_rate(state.epoch, (state.step + 1) / steps)
            state.set_learning_rate(rate)
            state.sums += step(images, labels)
            state.step += 1
            stopping = stop_requested()
            if stopping or state.step % check_every == 0 or state.step == steps:
                _check_finite(state, rate)
                callbacks.after_steps()
            if stopping:
                raise Interrupted
        means, rate = state.means(), learning_rate(state.epoch, 1.0)
        state.epoch, state.step, state.sums = state.epoch + 1, 0, torch.zeros_like(state.sums)
        callbacks.after_epoch(means, rate)


def _check_finite(state: TrainingState, rate: float) -> None:
    if not state.sums.isfinite().all():
        raise FloatingPointError(
            f"A loss in epoch {state.epoch + 1}, by step {state.step}, is not finite (learning rate {rate:.3g}); "
            "lower the rate, warm up longer, or train in float32"
        )
