from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scalereid.runs.recipe import (
    ModelSettings,
    MutualSettings,
    ObjectiveSettings,
    OptimizerSettings,
    Recipe,
    SearchSettings,
)
from scalereid.runs.wiring import wire
from scalereid.training.averaging import AveragingStep
from scalereid.training.step import OrdinaryStep
from scalereid.training.terms.distillation import SelfDistillation

CPU = torch.device("cpu")
LABELS: NDArray[np.int64] = np.arange(6).repeat(12)
SMALL = ModelSettings(backbone="osnet_one_stream", width=0.25, embedding_size=8)
SUPERNET = ModelSettings(backbone="osnet_supernet", width=0.25, embedding_size=8, pooling="gem")


def test_without_an_average_the_trained_model_is_what_is_saved() -> None:
    wired = wire(Recipe(model=SMALL), LABELS, CPU)
    assert wired.model is wired.state.model
    assert not {"average", "teacher"} & wired.state.registered.keys()
    assert isinstance(wired.step, OrdinaryStep)
    assert wired.step.teacher is None


def test_a_network_learns_from_the_average_of_itself_and_its_classifier() -> None:
    recipe = Recipe(
        model=SMALL,
        optimizer=OptimizerSettings(average=0.99),
        objective=ObjectiveSettings(self_distillation=0.7, triplet=0.0, auxiliary=1.0),
    )
    wired = wire(recipe, LABELS, CPU)
    first = wired.state.objective.scheduled[0]
    assert [each.name for each in wired.state.objective.scheduled] == ["self_distillation", "auxiliary"]
    assert isinstance(first.term, SelfDistillation)
    assert (first.weight, first.term.weight, first.term.classifier.label_smoothing) == (1.0, 0.7, 0.1)
    assert isinstance(wired.step, AveragingStep)
    assert isinstance(wired.step.step, OrdinaryStep)
    teacher = wired.step.teacher
    assert teacher is not None
    assert wired.step.step.teacher is teacher
    assert teacher.average is wired.step.average
    assert teacher.trained is first.term.classifier
    assert wired.state.registered["teacher"] is teacher.classifier
    assert teacher.classifier.decay == 0.99
    assert wired.model is teacher.average.model
    images = torch.randn(3, 3, 64, 32)
    with torch.no_grad():
        expected = first.term.classifier.logits(wired.state.model.eval()(images))
    torch.testing.assert_close(teacher(images), expected)  # before the first step


@pytest.mark.parametrize(
    "settings", [{}, {"optimizer": OptimizerSettings(average=0.9), "mutual": MutualSettings(weight=1.0)}]
)
def test_what_a_network_cannot_learn_from_is_refused(settings: dict[str, object]) -> None:
    recipe = Recipe(objective=ObjectiveSettings(self_distillation=1.0), **settings)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"objective\.self_distillation is 1\.0; it must be 0 without optimizer\.average"
    ):
        recipe.check()


def test_a_search_has_no_average() -> None:
    recipe = Recipe(model=SUPERNET, optimizer=OptimizerSettings(average=0.9))
    with pytest.raises(ValueError, match=r"optimizer\.average is 0\.9, but a search .* set optimizer\.average to 0"):
        wire(recipe, LABELS, CPU)
    wired = wire(replace(recipe, optimizer=OptimizerSettings()), LABELS, CPU)
    assert len(wired.state.optimizer.param_groups[1]["params"]) == 1  # the architecture alone


def test_only_a_supernet_is_searched() -> None:
    for search in (SearchSettings(bilevel=True), SearchSettings(samples=2)):
        with pytest.raises(ValueError, match="are for a super-network, and osnet_one_stream is not one"):
            wire(Recipe(model=SMALL, search=search), LABELS, CPU)
