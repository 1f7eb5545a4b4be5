"""Weight averaging: the model that is evaluated and saved is a moving average of the one that is trained."""

import copy
from collections.abc import Hashable
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from scalereid.models.embedding_model import EmbeddingModel
from scalereid.training.step import Step
from scalereid.training.terms.cross_entropy import CrossEntropy

M = TypeVar("M", bound=nn.Module)


class WeightAverage(nn.Module, Generic[M]):
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
    model: M

    def __init__(self, model: M, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.register_buffer("steps", torch.zeros((), device=next(model.parameters()).device))

    @torch.no_grad()
    def update(self, model: M) -> None:
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


class Teacher:
    """The average of a model with that of its classifier, which predicts who is on an image.

    A network that learns from it learns from itself as it was over many steps (Tarvainen and Valpola, arXiv:1703.01780; for
    re-identification, Ge et al., arXiv:2001.01526).
    """

    def __init__(self, average: WeightAverage[EmbeddingModel], classifier: CrossEntropy) -> None:
        self.average, self.trained = average, classifier
        self.classifier = WeightAverage(classifier, average.decay)

    def update(self) -> None:
        """Move towards the classifier that is trained; the model's average is updated by itself."""
        self.classifier.update(self.trained)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """The logits (b, people) of normalised images (b, 3, h, w)."""
        return self.classifier.model.logits(self.average.model(images))


class AveragingStep:
    """A step of `model`, after which `average` is updated, and the teacher of which it is a part."""

    def __init__(
        self, step: Step, model: EmbeddingModel, average: WeightAverage[EmbeddingModel], teacher: Teacher | None = None
    ) -> None:
        self.step, self.model, self.average, self.teacher = step, model, average, teacher
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
        if self.teacher:
            self.teacher.update()
        return values
