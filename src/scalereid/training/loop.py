"""The training loop."""

from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor

from scalereid.training.step import Precision, Training, TrainingStep


class Batches(Protocol):
    """Batches of images (b, 3, h, w) and labels (b,) for any epoch, from any batch on."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of `epoch`, from number `start` on."""


LOOK_EVERY = 10  # steps between looking at the loss, except on a CPU: each look makes a GPU wait for the host


class Interrupted(Exception):  # noqa: N818 - a request, not an error
    """Training was asked to stop; the step in progress was finished."""


def train(
    training: Training,
    batches: Batches,
    *,
    epochs: int,
    learning_rate: Callable[[int, float], float],
    classifier_only_epochs: int = 0,
    precision: Precision = "float32",
    samples: int = 1,
    bilevel: bool = False,
    before_epoch: Callable[[Training], None] = lambda _: None,
    after_steps: Callable[[Training], None] = lambda _: None,
    after_epoch: Callable[[Training, dict[str, float]], None] = lambda *_: None,
    stop_requested: Callable[[], bool] = lambda: False,
) -> None:
    """Train from wherever `training` stands to the end of epoch `epochs` − 1.

    Args:
        training: advanced in place.
        batches: on the device of the model.
        epochs: to have done in the end.
        learning_rate: of (epoch, share of it done after this step).
        classifier_only_epochs: so many epochs at first train the objective's classifier alone; the model is frozen and in
            evaluation mode, its running statistics too.
        precision: of the layers; weights, gradients and the loss stay float32.
        samples: forwards in a step, for a network that draws something in each.
        bilevel: weights and architecture learn from different halves of each batch (`TrainingStep`).
        before_epoch: told that the epoch in `training` begins, or goes on.
        after_steps: told every few steps how training stands.
        after_epoch: told the mean losses and the learning rate of the epoch that ended.
        stop_requested: asked before each epoch and after each step.

    Raises:
        FloatingPointError: a loss was not finite.
        Interrupted: `stop_requested` said so; `training` stands at the next step.
    """
    model, objective = training.model, training.objective
    look_every = 1 if training.sums.device.type == "cpu" else LOOK_EVERY
    take_step = TrainingStep(training, precision, samples=samples, bilevel=bilevel)
    while training.epoch < epochs:
        if stop_requested():
            raise Interrupted
        classifier_only = training.epoch < classifier_only_epochs
        for parameter in training.trainable:
            parameter.requires_grad_(not classifier_only)
        model.train(not classifier_only)
        objective.train()
        before_epoch(training)
        phase = classifier_only, objective.triplet_counts(training.epoch)
        for images, labels in batches.epoch(training.epoch, start=training.step):
            rate = learning_rate(training.epoch, (training.step + 1) / len(batches))
            training.sums += take_step(images, labels, rate=rate, phase=phase)
            training.step += 1
            stopping = stop_requested()
            if stopping or training.step % look_every == 0 or training.step == len(batches):
                _check_finite(training, rate)
                after_steps(training)
            if stopping:
                raise Interrupted
        means = training.means() | {"learning_rate": learning_rate(training.epoch, 1.0)}
        training.epoch, training.step, training.sums = training.epoch + 1, 0, torch.zeros_like(training.sums)
        after_epoch(training, means)


def _check_finite(training: Training, rate: float) -> None:
    if not training.sums.isfinite().all():
        raise FloatingPointError(
            f"a loss in epoch {training.epoch + 1}, by step {training.step}, is not finite (learning rate {rate:.3g}); "
            "lower the rate, warm up longer, or train in float32"
        )
