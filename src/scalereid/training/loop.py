"""The training loop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from scalereid.models.embedding_model import EmbeddingModel
from scalereid.training.objective import Losses, Objective

Precision = Literal["float32", "bfloat16", "float16"]


class Batches(Protocol):
    """Batches of images (b, 3, h, w) and labels (b,) for any epoch, from any batch on."""

    def __len__(self) -> int:
        """Batches in an epoch."""

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of `epoch`, from number `start` on."""


LOOK_EVERY = 10  # steps between looking at the loss, except on a CPU: each look makes a GPU wait for the host


@dataclass
class Training:
    """Everything that changes while a model is trained, and so everything that a resumed training needs."""

    model: EmbeddingModel
    objective: Objective
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    trainable: list[nn.Parameter]  # of the model; frozen while the classifier trains alone
    sums: Tensor  # of each loss over the steps done in this epoch; not finite as soon as one loss was not
    epoch: int = 0  # in progress
    step: int = 0  # done in it

    def means(self) -> dict[str, float]:
        """The mean of each loss over the epoch so far."""
        return dict(zip(Losses._fields, (self.sums / max(self.step, 1)).tolist(), strict=True))


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
        after_steps: told every few steps how training stands.
        after_epoch: told the mean losses and the learning rate of the epoch that ended.
        stop_requested: asked before each epoch and after each step.

    Raises:
        FloatingPointError: a loss was not finite.
        Interrupted: `stop_requested` said so; `training` stands at the next step.
    """
    model, objective, optimizer, scaler = training.model, training.objective, training.optimizer, training.scaler
    device = training.sums.device.type
    look_every = 1 if device == "cpu" else LOOK_EVERY
    while training.epoch < epochs:
        if stop_requested():
            raise Interrupted
        classifier_only = training.epoch < classifier_only_epochs
        for parameter in training.trainable:
            parameter.requires_grad_(not classifier_only)
        model.train(not classifier_only)
        objective.train()
        for images, labels in batches.epoch(training.epoch, start=training.step):
            rate = learning_rate(training.epoch, (training.step + 1) / len(batches))
            for group in optimizer.param_groups:
                group["lr"] = rate
            with torch.autocast(device, _DTYPES[precision], enabled=precision != "float32"):
                losses = objective(model(images), labels)
            optimizer.zero_grad()
            scaler.scale(losses.total).backward()
            scaler.step(optimizer)
            scaler.update()

            training.step += 1
            training.sums += torch.stack(losses).detach()
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


_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
