from pathlib import Path

import pytest
import torch

from scalereid.models.embedding_model import EmbeddingModel
from scalereid.runs.resume import load_state, save_state
from scalereid.training import captured
from scalereid.training.averaging import AveragingStep, WeightAverage
from scalereid.training.captured import CapturedStep
from scalereid.training.state import TrainingState
from scalereid.training.step import OrdinaryStep
from tests.conftest import same
from tests.training.conftest import fresh, run, small_model
from tests.training.test_captured import Emulated


def averaging(decay: float = 0.9) -> tuple[TrainingState, AveragingStep]:
    state = fresh()
    average = WeightAverage(state.model, decay)
    state.register("average", average)
    return state, AveragingStep(OrdinaryStep(state), state.model, average)


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
