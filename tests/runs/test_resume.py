from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from scalereid.models.building import build_model
from scalereid.runs.checkpoint import load_checkpoint
from scalereid.runs.resume import load_state, save_state
from scalereid.training import OptimizerName
from scalereid.training.loop import Interrupted
from scalereid.training.objective import ScheduledTerm
from scalereid.training.state import TrainingState
from scalereid.training.terms.cross_entropy import CrossEntropy
from scalereid.training.terms.triplet import Triplet
from tests.conftest import same
from tests.training.conftest import fresh, run, sizes_of, small_model, state_of


class Best:
    """Something with a state of its own: a number and a tensor."""

    def __init__(self) -> None:
        self.score, self.curve = -1.0, torch.zeros(2)

    def state_dict(self) -> dict[str, object]:
        return {"score": self.score, "curve": self.curve}

    def load_state_dict(self, state: dict[str, object]) -> None:
        assert isinstance(state["score"], float)
        assert isinstance(state["curve"], torch.Tensor)
        self.score, self.curve = state["score"], state["curve"]


def noisy(name: OptimizerName = "sgd", *, float16: bool = False) -> TrainingState:
    """A training that draws from PyTorch's generator in each step."""
    state = fresh(name, float16=float16)
    state.model.embedding.add_module("dropout", torch.nn.Dropout(0.2))
    return state


@pytest.mark.parametrize("steps", [0, 3, 6, 8])  # before the first step, in an epoch, in the next, at its end
@pytest.mark.parametrize("name", ["sgd", "amsgrad"])
def test_a_saved_state_goes_on_as_if_nothing_had_happened(tmp_path: Path, name: OptimizerName, steps: int) -> None:
    file = tmp_path / "state.safetensors"
    whole, stopped = noisy(name), noisy(name)
    torch.manual_seed(9)
    log = run(whole, 3)
    torch.manual_seed(9)
    before: list[dict[str, float]] = []
    if steps:
        with pytest.raises(Interrupted):
            run(stopped, 3, stop_requested=lambda: 4 * stopped.epoch + stopped.step >= steps, log=before)
    save_state(file, stopped)
    torch.rand(5)
    resumed = noisy(name)
    load_state(file, resumed)
    assert 4 * resumed.epoch + resumed.step == steps
    assert before + run(resumed, 3) == log
    assert same(whole.model.state_dict(), resumed.model.state_dict())
    assert same(whole.objective.state_dict(), resumed.objective.state_dict())
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_whatever_is_registered_comes_back(tmp_path: Path) -> None:
    """A gradient scaler, a second model and a score, in tensors and in numbers."""
    one, other = fresh(float16=True), fresh(float16=True)
    best, peer = Best(), small_model(seed=1)
    best.score, best.curve = 0.1 + 0.2, torch.tensor([0.5, 0.25])  # a number that a short decimal would round
    one.register("best", best)
    one.register("peer", peer)
    one.scaler.load_state_dict(one.scaler.state_dict() | {"scale": 512.0})
    save_state(tmp_path / "x.safetensors", one)
    again, twin = Best(), small_model(seed=2)
    other.register("best", again)
    other.register("peer", twin)
    assert not same(peer.state_dict(), twin.state_dict())
    load_state(tmp_path / "x.safetensors", other)
    assert again.score == best.score
    assert torch.equal(again.curve, best.curve)
    assert same(peer.state_dict(), twin.state_dict())
    assert other.scaler.get_scale() == 512.0


def test_weights_stay_channels_last(tmp_path: Path) -> None:
    """As the device wants them, though a file holds every tensor in order."""
    state = fresh()
    save_state(tmp_path / "x.safetensors", state)
    other = fresh()
    strides = {name: tensor.stride() for name, tensor in other.model.state_dict().items()}
    load_state(tmp_path / "x.safetensors", other)
    assert strides == {name: tensor.stride() for name, tensor in other.model.state_dict().items()}
    assert any(tensor.dim() == 4 and not tensor.is_contiguous() for tensor in other.model.state_dict().values())


def with_model(embedding_size: int, terms: int = 1) -> TrainingState:
    model = build_model("osnet_x0_25", embedding_size=embedding_size)
    sizes = sizes_of(model)
    scheduled = [ScheduledTerm("cross_entropy", CrossEntropy(sizes)), ScheduledTerm("triplet", Triplet(sizes))]
    return state_of(model, scheduled[:terms])


def test_another_trainings_state_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    save_state(file, with_model(16))
    with pytest.raises(
        ValueError,
        match=r"x\.safetensors is the state of another model: model\.embedding\.linear\.weight is \(16, 128\) in the file and "
        r"\(24, 128\) here",
    ):
        load_state(file, with_model(24))
    with pytest.raises(ValueError, match=r"is the state of another model: model\.backbone\.\S+ is missing in the file"):
        load_state(file, fresh())
    with pytest.raises(ValueError, match="or the state of another training: counters does not fit"):
        load_state(file, with_model(16, terms=2))
    registered = with_model(16)
    registered.register("best", Best())
    with pytest.raises(ValueError, match=r"it holds \['model', .*'random'\], not \['model', .* 'best'\]"):
        load_state(file, registered)


def test_what_is_not_a_state_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    save_state(file, fresh())
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="damaged"):
        load_state(file, fresh())
    file.write_bytes(whole)
    with safe_open(file, "pt") as opened:
        metadata = opened.metadata()
    save_file(load_file(file), file, metadata | {"format": "scalereid-resume-1"})
    with pytest.raises(ValueError, match="is not a training state of this version; train anew"):
        load_state(file, fresh())


def test_a_state_is_not_mistaken_for_weights(tmp_path: Path) -> None:
    save_state(tmp_path / "resume.safetensors", fresh())
    with pytest.raises(ValueError, match="training state"):
        load_checkpoint(tmp_path / "resume.safetensors")


def test_a_state_is_whole_or_the_one_before(tmp_path: Path) -> None:
    """Something that cannot be saved leaves the file as it was."""

    class Unsaveable(Best):
        def state_dict(self) -> dict[str, object]:
            return {"score": object()}

    state, file = fresh(), tmp_path / "x.safetensors"
    save_state(file, state)
    before = file.read_bytes()
    state.register("best", Unsaveable())
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_state(file, state)
    assert file.read_bytes() == before
