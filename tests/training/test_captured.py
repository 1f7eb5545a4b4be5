"""A step is captured on a GPU only; here a graph that calls the function again stands in for one."""

import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from scalereid.models.backbone import Backbone
from scalereid.models.dslnet import DSLNet
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.training import OptimizerName, Precision, captured
from scalereid.training.captured import CapturedStep
from scalereid.training.objective import ScheduledTerm
from scalereid.training.state import TrainingState
from scalereid.training.step import OrdinaryStep, Step
from scalereid.training.terms.auxiliary import Auxiliary
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.triplet import Triplet
from tests.conftest import same
from tests.training.conftest import fresh, run, sizes_of, state_of


class Emulated:
    """In place of a CUDA graph, where there is no GPU: it notes what is done, and computes at every replay."""

    events: ClassVar[list[str]] = []
    refuses: ClassVar[bool] = False

    def __init__(self, function: Callable[..., Tensor], device: torch.device) -> None:
        self.function, self.device = function, device
        self.captured = False

    def reset(self) -> None:
        self.events.append("reset")
        self.captured = False

    def eager(self, *inputs: Tensor) -> Tensor:
        self.events.append("eager")
        return self.function(*inputs)

    def capture(self, *inputs: Tensor) -> None:
        self.events.append("capture")
        if self.refuses:
            raise RuntimeError("operation not permitted when stream is capturing\nmore")
        self.captured, self.shapes = True, [tensor.shape for tensor in inputs]

    def __call__(self, *inputs: Tensor) -> Tensor:
        self.events.append("replay")
        assert self.captured
        assert self.shapes == [tensor.shape for tensor in inputs]
        return self.function(*inputs)


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> type[Emulated]:
    monkeypatch.setattr(Emulated, "events", [])
    monkeypatch.setattr(captured, "CudaGraph", Emulated)
    return Emulated


@pytest.mark.parametrize("name", ["sgd", "amsgrad"])
def test_a_captured_step_is_the_step(emulated: type[Emulated], name: OptimizerName) -> None:
    """Three steps warm up, the fourth is captured and replayed; an epoch of the same phase goes on with the same graph."""
    plain, state = fresh(name), fresh(name)
    log = run(plain, 2)
    assert run(state, 2, step=CapturedStep(OrdinaryStep(state), state)) == log
    assert same(plain.model.state_dict(), state.model.state_dict())
    assert emulated.events == ["reset", *["eager"] * 3, "capture", *["replay"] * 5]


def test_another_phase_is_captured_anew(emulated: type[Emulated]) -> None:
    plain, state = fresh(), fresh()
    log = run(plain, 3, step=OrdinaryStep(plain, classifier_only_epochs=1))
    assert run(state, 3, step=CapturedStep(OrdinaryStep(state, classifier_only_epochs=1), state)) == log
    first = ["reset", *["eager"] * 3, "capture", "replay"]
    assert emulated.events == [*first, *first, *["replay"] * 4]


def test_the_learning_rate_is_what_the_graph_reads(emulated: type[Emulated]) -> None:  # noqa: ARG001
    """A tensor that keeps its place while its value changes."""
    state = fresh()
    step = CapturedStep(OrdinaryStep(state), state)
    step.begin_epoch()
    rate = state.optimizer.param_groups[0]["lr"]
    state.set_learning_rate(0.25)
    assert state.optimizer.param_groups[0]["lr"] is rate
    assert float(rate) == 0.25


def test_a_step_that_cannot_be_captured_is_taken_all_the_same(
    emulated: type[Emulated], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulated, "refuses", True)
    plain, state = fresh(), fresh()
    log = run(plain, 2)
    with pytest.warns(
        UserWarning, match="cannot be captured .* so training is slower: operation not permitted"
    ) as told:
        assert run(state, 2, step=CapturedStep(OrdinaryStep(state), state)) == log
    assert len(told) == 1
    assert emulated.events == ["reset", *["eager"] * 3, "capture", *["eager"] * 5]  # once is enough


LABELS = torch.arange(4).repeat_interleave(4)


def dslnet(device: str, optimizer: OptimizerName) -> TrainingState:
    """A network with every term: the triplet term counts from epoch 1 on."""
    torch.manual_seed(0)
    model = EmbeddingModel(DSLNet(width=0.25), embedding_size=16)
    sizes = sizes_of(model, people=4)
    terms = [
        ScheduledTerm("cross_entropy", CrossEntropy(sizes)),
        ScheduledTerm("triplet", Triplet(sizes, ratio=0.8), weight=0.5, first_epoch=1),
        ScheduledTerm("auxiliary", Auxiliary(sizes)),
    ]
    return state_of(model, terms, optimizer=optimizer, device=device)


def losses(state: TrainingState, step: Step, inner: OrdinaryStep) -> Tensor:
    """Those of sixteen steps: of which the first four train the classifiers alone, the last six have the triplet term."""
    generator = torch.Generator().manual_seed(1)
    taken = []
    for number in range(16):
        state.epoch = int(number >= 10)
        inner.classifier_only_epochs = int(number < 4)
        if number in (0, 4, 10):
            step.begin_epoch()
        images = torch.randn(16, 3, 32, 16, generator=generator) + LABELS[:, None, None, None]
        state.set_learning_rate(0.01 * (1 + number % 3))
        taken.append(step(images.to(state.device), LABELS.to(state.device)).clone())
    return torch.stack(taken).cpu()


def of_dslnet(device: str, optimizer: OptimizerName, precision: Precision, *, capture: bool) -> Tensor:
    state = dslnet(device, optimizer)
    inner = OrdinaryStep(state, precision=precision)
    step = CapturedStep(inner, state) if capture else inner
    taken = losses(state, step, inner)
    assert not isinstance(step, CapturedStep) or step.graph.captured
    return taken


def test_losses_fall_and_are_those_that_are_logged() -> None:
    taken = of_dslnet("cpu", "sgd", "float32", capture=False)
    assert taken.shape == (16, 7)
    total, cross_entropy, _, triplet, _, _, auxiliary = taken.unbind(dim=1)
    torch.testing.assert_close(total[:10], (cross_entropy + auxiliary)[:10])
    torch.testing.assert_close(total[10:], (cross_entropy + auxiliary + 0.5 * triplet)[10:])
    assert (cross_entropy + auxiliary)[-1] < (cross_entropy + auxiliary)[0]


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["sgd", "amsgrad"])
def test_captured_steps_are_the_steps_themselves_on_a_gpu(name: OptimizerName, precision: Precision) -> None:
    tolerance = 2e-3 if precision == "float32" else 0.1
    replayed, plain = (of_dslnet("cuda", name, precision, capture=capture) for capture in (True, False))
    torch.testing.assert_close(replayed, plain, rtol=tolerance, atol=tolerance)
    if precision == "float32":
        on_cpu = of_dslnet("cpu", name, precision, capture=False)
        torch.testing.assert_close(replayed[:5], on_cpu[:5], rtol=0.02, atol=0.02)  # before differences grow


class Asking(Backbone):
    """A network that reads its own values on the host, and does not say so."""

    out_channels = 8

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=4)

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = self.stem(images)
        return maps if float(maps.detach().mean()) < 1e6 else maps * 2


@pytest.mark.gpu
def test_what_cannot_be_captured_trains_all_the_same_on_a_gpu() -> None:
    def taken(capture: bool) -> Any:
        torch.manual_seed(0)
        model = EmbeddingModel(Asking(), embedding_size=16)
        terms = [ScheduledTerm("cross_entropy", CrossEntropy(sizes_of(model, people=4)))]
        state = state_of(model, terms, device="cuda")
        inner = OrdinaryStep(state)
        return losses(state, CapturedStep(inner, state) if capture else inner, inner)

    with pytest.warns(UserWarning, match="cannot be captured .* so training is slower"):
        replayed = taken(capture=True)
    with warnings.catch_warnings():
        torch.testing.assert_close(replayed, taken(capture=False), rtol=1e-3, atol=1e-3)
