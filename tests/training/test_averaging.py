import copy
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from scalereid.models.embedding_model import EmbeddingModel
from scalereid.runs.resume import load_state, save_state
from scalereid.training import captured
from scalereid.training.averaging import AveragingStep, Teacher, WeightAverage
from scalereid.training.captured import CapturedStep
from scalereid.training.objective import ScheduledTerm
from scalereid.training.optimization import build_optimizer
from scalereid.training.state import TrainingState
from scalereid.training.step import OrdinaryStep
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.distillation import SelfDistillation
from tests.conftest import same
from tests.training.conftest import Noise, fresh, run, sizes_of, small_model, state_of
from tests.training.test_captured import Emulated


def averaging(decay: float = 0.9) -> tuple[TrainingState, AveragingStep]:
    state = fresh()
    average = WeightAverage(state.model, decay)
    state.register("average", average)
    return state, AveragingStep(OrdinaryStep(state), state.model, average)


def distilling(decay: float = 0.9, weight: float = 0.5) -> tuple[TrainingState, AveragingStep]:
    """A state that learns from its own average, as a recipe is wired."""
    model = small_model()
    term = SelfDistillation(CrossEntropy(sizes_of(model)), weight=weight)
    state = state_of(model, [ScheduledTerm("self_distillation", term)])
    average = WeightAverage(state.model, decay)
    teacher = Teacher(average, term.classifier)
    state.register("average", average)
    state.register("teacher", teacher.classifier)
    return state, AveragingStep(OrdinaryStep(state, teacher=teacher), state.model, average, teacher)


def changed(model: EmbeddingModel, step: int) -> None:
    """Other weights and statistics."""
    for number, tensor in enumerate([*model.parameters(), *model.buffers()]):
        with torch.no_grad():
            generator = torch.Generator().manual_seed(100 * step + number)
            drawn = torch.randn(tensor.shape, generator=generator)
            tensor.copy_(drawn if tensor.is_floating_point() else torch.tensor(step))


def test_the_average_is_that_of_a_loop_over_all_values() -> None:
    """Also of the statistics of batch norm; numbers of batches are taken. Early steps count more than the decay says."""
    model = small_model()
    average = WeightAverage(model, 0.5)
    expected = {name: value.double() for name, value in model.state_dict().items()}
    for step in range(1, 13):
        changed(model, step)
        average.update(model)
        share = 1 - min(0.5, step / (step + 9))
        for name, value in model.state_dict().items():
            expected[name] = expected[name] + share * (value.double() - expected[name])
            if not value.is_floating_point():
                expected[name] = value.double()
    assert share == 0.5  # from the tenth step on
    for name, value in average.model.state_dict().items():
        torch.testing.assert_close(value.double(), expected[name], rtol=1e-5, atol=1e-6, msg=name)


def test_weights_that_stay_are_their_own_average() -> None:
    model = small_model()
    average = WeightAverage(model, 0.99)
    for _ in range(5):
        average.update(model)
    assert same(average.model.state_dict(), model.state_dict())
    assert not average.model.training
    assert not any(parameter.requires_grad for parameter in average.model.parameters())


def test_layers_that_share_weights_are_averaged_once() -> None:
    model = small_model()
    model.backbone.add_module("again", model.backbone.get_submodule("first"))
    average = WeightAverage(model, 0.9)
    before = model.backbone.get_parameter("first.conv.weight").detach().clone()
    changed(model, 1)
    average.update(model)
    expected = before + 0.9 * (model.backbone.get_parameter("first.conv.weight").detach() - before)
    torch.testing.assert_close(average.model.backbone.get_parameter("again.conv.weight"), expected)


def test_training_itself_does_not_notice() -> None:
    plain, (state, step) = fresh(), averaging()
    assert run(state, 2, step=step) == run(plain, 2)
    assert same(plain.model.state_dict(), state.model.state_dict())
    assert not same(step.average.model.state_dict(), state.model.state_dict())
    assert int(step.average.steps) == 8
    assert step.phase == step.step.phase
    assert step.capturable


def test_a_captured_step_averages_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captured, "CudaGraph", Emulated)
    plain, one = averaging()
    run(plain, 2, step=one)
    state, other = averaging()
    run(state, 2, step=CapturedStep(other, state))
    assert same(one.average.state_dict(), other.average.state_dict())


def test_a_network_that_learns_from_its_average_written_out() -> None:
    """The teacher is the average of model and classifier before the step, in evaluation, and gets no gradient."""
    state, step = distilling(decay=0.6, weight=0.5)
    log = run(state, 2, step=step)
    model = small_model().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    classifier = CrossEntropy(sizes_of(model))
    followed = nn.ModuleList([model, classifier])
    average, average_classifier = copy.deepcopy(model).eval(), copy.deepcopy(classifier)
    averages = nn.ModuleList([average, average_classifier])
    optimizer = build_optimizer("sgd", followed.parameters(), lr=0.05, weight_decay=5e-4, momentum=0.9)
    steps, losses = 0, list[list[float]]()
    for epoch in range(2):
        losses.append([])
        for images, people in Noise().epoch(epoch):
            with torch.no_grad():
                soft = average_classifier.logits(average(images)).softmax(dim=1)
            logits = classifier.logits(model(images))
            diverged = (soft * (soft.log() - logits.log_softmax(dim=1))).sum(dim=1).mean()
            loss = functional.cross_entropy(logits, people, label_smoothing=0.1) + 0.5 * diverged
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            losses[-1].append(loss.item())
            steps += 1
            share = 1 - min(0.6, steps / (steps + 9))
            with torch.no_grad():
                for name, value in followed.state_dict().items():
                    mean = averages.state_dict()[name]
                    mean.copy_(mean + share * (value - mean) if value.is_floating_point() else value)
    assert [epoch["total"] for epoch in log] == pytest.approx([sum(each) / len(each) for each in losses], rel=1e-4)
    assert all(epoch["divergence"] > 0 for epoch in log)
    for own, expected in ((state.model, model), (step.average.model, average)):
        for name, value in own.state_dict().items():
            torch.testing.assert_close(value, expected.state_dict()[name], rtol=1e-3, atol=1e-4)


def test_self_distillation_is_captured_and_resumed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(captured, "CudaGraph", Emulated)
    whole, one = distilling()
    run(whole, 4, step=one)
    stopped, before = distilling()
    run(stopped, 2, step=CapturedStep(before, stopped))
    save_state(tmp_path / "state", stopped)
    resumed, other = distilling()
    load_state(tmp_path / "state", resumed)
    run(resumed, 4, step=other)
    assert same(whole.model.state_dict(), resumed.model.state_dict())
    for left, right in ((one.average, other.average), (one.teacher, other.teacher)):
        classifiers = [each.classifier if isinstance(each, Teacher) else each for each in (left, right)]
        assert same(*(each.state_dict() for each in classifiers if each))


@pytest.mark.gpu
def test_a_captured_step_learns_from_its_average_on_a_gpu() -> None:
    """The same losses as uncaptured, to rounding, in float32 and bfloat16."""
    for precision in ("float32", "bfloat16"):
        logs = []
        for capture in (False, True):
            model = small_model()
            term = SelfDistillation(CrossEntropy(sizes_of(model)), weight=0.5)
            state = state_of(model, [ScheduledTerm("self_distillation", term)], device="cuda")
            average = WeightAverage(state.model, 0.9)
            teacher = Teacher(average, term.classifier)
            step = AveragingStep(
                OrdinaryStep(state, precision=precision, teacher=teacher), state.model, average, teacher
            )
            batches = [(images.cuda(), people.cuda()) for epoch in range(6) for images, people in Noise().epoch(epoch)]
            taken = CapturedStep(step, state) if capture else step
            taken.begin_epoch()
            state.set_learning_rate(0.05)
            logs.append([taken(images, people).tolist() for images, people in batches])
        torch.testing.assert_close(*logs, rtol=0.05, atol=0.02)


@pytest.mark.gpu
def test_a_captured_step_averages_on_a_gpu() -> None:
    """Nothing of the average is read on the host, so the replayed steps count on."""
    model = small_model().cuda()
    average = WeightAverage(model, 0.9)
    graph = torch.cuda.CUDAGraph()
    average.update(model)
    with torch.cuda.graph(graph):
        average.update(model)
    for _ in range(3):
        graph.replay()
    assert int(average.steps) == 4


def test_a_resumed_average_goes_on(tmp_path: Path) -> None:
    whole, one = averaging()
    run(whole, 4, step=one)
    stopped, before = averaging()
    run(stopped, 2, step=before)
    save_state(tmp_path / "state", stopped)
    resumed, other = averaging()
    load_state(tmp_path / "state", resumed)
    run(resumed, 4, step=other)
    assert same(one.average.state_dict(), other.average.state_dict())


def test_a_state_without_an_average_is_refused(tmp_path: Path) -> None:
    save_state(tmp_path / "state", fresh())
    with pytest.raises(ValueError, match="state of another training"):
        load_state(tmp_path / "state", averaging()[0])
