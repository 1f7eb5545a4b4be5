"""Weight averaging: the model that is evaluated and saved is a moving average of the one that is trained."""

import copy
from collections.abc import Hashable

import torch
from torch import Tensor, nn

from scalereid.models.embedding_model import EmbeddingModel
from scalereid.training.step import Step


class WeightAverage(nn.Module):
    """An exponential moving average of a model's weights, which begins at the weights as they are.

    After step n the average moves by 1 − min(`decay`, n / (n + 9)) of the way to the weights: at first it forgets quickly, or
    the initial weights would stay in the average of a short training. (TensorFlow's ExponentialMovingAverage has this
    rule; `torch.optim.swa_utils` has none that a captured step can follow.) The statistics of batch norm are averaged
    like weights, so that they belong to the same steps; the last ones would be those of other weights.

    Attributes:
        model: The average, in evaluation mode.
        steps: Number of steps so far, on the model's device.
    """

    steps: Tensor

    def __init__(self, model: EmbeddingModel, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.register_buffer("steps", torch.zeros((), device=next(model.parameters()).device))

    @torch.no_grad()
    def update(self, model: EmbeddingModel) -> None:
        """Move towards the weights of `model`, which were changed by a step; nothing is read on the host."""
        self.steps += 1
        share = 1 - (self.steps / (self.steps + 9)).clamp_max(self.decay)
        averages, values = _tensors(self.model), _tensors(model)
        averaged = [i for i, value in enumerate(values) if value.is_floating_point()]
        own = [averages[i] for i in averaged]
        differences = torch._foreach_sub([values[i] for i in averaged], own)
        torch._foreach_mul_(differences, share)
        torch._foreach_add_(own, differences)
        for average, value in zip(averages, values, strict=True):
            if not value.is_floating_point():  # numbers of batches
                average.copy_(value)


def _tensors(model: nn.Module) -> list[Tensor]:
    """The weights and the statistics, each once: layers may share some."""
    return [*model.parameters(), *model.buffers()]


class AveragingStep:
    """A step of `model`, after which `average` is updated."""

    def __init__(self, step: Step, model: EmbeddingModel, average: WeightAverage) -> None:
        self.step, self.model, self.average = step, model, average
        self.phase: Hashable = None

    @property
    def capturable(self) -> bool:
        """See `Step`."""
        return self.step.capturable

    def begin_epoch(self) -> None:
        """See `Step`."""
        self.step.begin_epoch()
        self.phase = self.step.phase

    def __call__(self, images: Tensor, labels: Tensor) -> Tensor:
        """See `Step`."""
        values = self.step(images, labels)
        self.average.update(self.model)
        return values
