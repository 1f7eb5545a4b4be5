from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from scalereid.models.backbone import Backbone
from scalereid.models.dslnet import DSLNet
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.runs.recipe import DataSettings, ModelSettings, ObjectiveSettings, OptimizerSettings, Recipe
from scalereid.runs.wiring import build_training
from scalereid.training.step import TrainingStep

LABELS = torch.arange(4).repeat_interleave(4)
RECIPE = Recipe(
    data=DataSettings(batch_size=16, images_per_person=4),
    model=ModelSettings(embedding_size=16),
    objective=ObjectiveSettings(triplet=0.5, ratio=0.8, triplet_from_epoch=1, auxiliary=1.0),
)


def losses(
    device: str, *, optimizer: OptimizerSettings, backbone: type[Backbone] | None = None, recorded: bool = True
) -> Tensor:
    """Those of sixteen steps: of which the first four train the classifiers alone, the last six have the triplet term."""
    torch.manual_seed(0)
    recipe = replace(RECIPE, optimizer=optimizer)
    if backbone is not None:
        recipe = replace(recipe, objective=ObjectiveSettings())
    model = EmbeddingModel(backbone() if backbone else DSLNet(width=0.25), embedding_size=16)
    training = build_training(recipe, model, 4, torch.device(device))
    step = TrainingStep(training, optimizer.precision)
    step.recordable = step.recordable and recorded
    generator = torch.Generator().manual_seed(1)
    taken = []
    for number in range(16):
        training.epoch = int(number >= 10)
        for parameter in training.trainable:
            parameter.requires_grad_(number >= 4)
        training.model.train(number >= 4)
        images = torch.randn(16, 3, 32, 16, generator=generator) + LABELS[:, None, None, None]
        rate = 0.01 * (1 + number % 3)
        taken.append(step(images.to(device), LABELS.to(device), rate=rate, phase=(number >= 4, number >= 10)).clone())
    assert (step.graph is not None) == (device == "cuda" and recorded and step.taken >= 0)
    return torch.stack(taken).cpu()


def test_losses_fall_and_are_those_that_are_logged() -> None:
    taken = losses("cpu", optimizer=OptimizerSettings(name="sgd"))
    assert taken.shape == (16, 7)
    total, cross_entropy, _, triplet, _, _, auxiliary = taken.unbind(dim=1)
    torch.testing.assert_close(total[:10], (cross_entropy + auxiliary)[:10])
    torch.testing.assert_close(total[10:], (cross_entropy + auxiliary + 0.5 * triplet)[10:])
    assert (cross_entropy + auxiliary)[-1] < (cross_entropy + auxiliary)[0]


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["sgd", "amsgrad"])
def test_recorded_steps_are_the_steps_themselves(name: str, precision: str) -> None:
    optimizer = OptimizerSettings(name=name, precision=precision)  # type: ignore[arg-type]
    tolerance = 2e-3 if precision == "float32" else 0.1
    recorded, plain = (losses("cuda", optimizer=optimizer, recorded=recorded) for recorded in (True, False))
    torch.testing.assert_close(recorded, plain, rtol=tolerance, atol=tolerance)
    if precision == "float32":
        on_cpu = losses("cpu", optimizer=optimizer)
        torch.testing.assert_close(recorded[:5], on_cpu[:5], rtol=0.02, atol=0.02)  # before differences grow


class Asking(Backbone):
    """A network that looks at its own values on the host."""

    def __init__(self) -> None:
        super().__init__()
        self.out_channels = 8
        self.stem = nn.Conv2d(3, 8, 3, stride=4)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.stem(images)
        return maps if float(maps.detach().mean()) < 1e6 else maps * 2


@pytest.mark.gpu
def test_what_cannot_be_recorded_trains_all_the_same() -> None:
    optimizer = OptimizerSettings(name="sgd")
    with pytest.warns(UserWarning, match="steps cannot be recorded, so training is slower"):
        taken = losses("cuda", optimizer=optimizer, backbone=Asking)
    plain = losses("cuda", optimizer=optimizer, backbone=Asking, recorded=False)
    torch.testing.assert_close(taken, plain, rtol=1e-3, atol=1e-3)
