"""What the tests of training train: a small state, and batches of noise that differ by person."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from scalereid.models.backbone import Backbone
from scalereid.models.building import to_device
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.layers import ConvNormReLU
from scalereid.training import OptimizerName, loop
from scalereid.training.loop import Callbacks
from scalereid.training.objective import Objective, ScheduledTerm
from scalereid.training.optimization import build_optimizer
from scalereid.training.state import TrainingState
from scalereid.training.step import OrdinaryStep, Step
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.term import Sizes

PEOPLE = 3


class SmallNet(Backbone):
    """Two stages of a convolution each: what a test of training needs of a network, in a millisecond."""

    out_channels = 16
    stage_channels = (8, 16)

    def __init__(self) -> None:
        super().__init__()
        self.first = ConvNormReLU(3, 8, 3, stride=2)
        self.second = ConvNormReLU(8, 16, 3, stride=2)

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        first = self.first(images)
        return [first, self.second(first)]


def small_model(seed: int = 0) -> EmbeddingModel:
    torch.manual_seed(seed)
    model = EmbeddingModel(SmallNet(), embedding_size=16)
    for module in model.modules():
        if isinstance(module, nn.Linear):  # larger than the house's, so that a few steps of a small network learn
            nn.init.normal_(module.weight, std=0.2)
    return model


class Noise:
    """Four batches of eight random images of three people; the same for the same epoch and number."""

    def steps(self, epoch: int) -> int:  # noqa: ARG002 - equally many in each
        return 4

    def epoch(self, epoch: int, *, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        for i in range(start, self.steps(epoch)):
            generator = torch.Generator().manual_seed(100 * epoch + i)
            labels = torch.randint(0, PEOPLE, (8,), generator=generator)
            yield torch.randn(8, 3, 32, 16, generator=generator) + labels[:, None, None, None], labels


def sizes_of(model: EmbeddingModel, people: int = PEOPLE) -> Sizes:
    return Sizes(model.embedding_size, people, model.backbone.stage_channels)


def state_of(
    model: EmbeddingModel,
    terms: Sequence[ScheduledTerm],
    *,
    optimizer: OptimizerName = "sgd",
    device: str = "cpu",
    float16: bool = False,
) -> TrainingState:
    """A model and terms before their first step; a fixed learning rate of 0.05."""
    model = to_device(model, torch.device(device))
    objective = Objective(terms).to(device)
    weights = [*model.parameters(), *objective.parameters()]
    return TrainingState(
        model,
        objective,
        build_optimizer(optimizer, weights, lr=0.05, weight_decay=5e-4, momentum=0.9),
        torch.amp.GradScaler(device, init_scale=2.0**20, enabled=float16),  # too large at first,
    )


def fresh(optimizer: OptimizerName = "sgd", *, float16: bool = False) -> TrainingState:
    """The small model with a classifier, always with the same weights."""
    model = small_model()
    terms = [ScheduledTerm("cross_entropy", CrossEntropy(sizes_of(model)))]
    return state_of(model, terms, optimizer=optimizer, float16=float16)


def run(
    state: TrainingState,
    epochs: int = 2,
    *,
    step: Step | None = None,
    batches: loop.Batches | None = None,
    stop_requested: Callable[[], bool] = lambda: False,
    log: list[dict[str, float]] | None = None,
) -> list[dict[str, float]]:
    """Train to the end of `epochs`; the means of each epoch, which are added to `log` as they come."""
    log = [] if log is None else log
    loop.train(
        state,
        step or OrdinaryStep(state),
        batches or Noise(),
        epochs=epochs,
        learning_rate=lambda *_: 0.05,
        callbacks=Callbacks(after_epoch=lambda means, _: log.append(means)),
        stop_requested=stop_requested,
    )
    return log
