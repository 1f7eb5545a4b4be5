import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import scalereid
from scalereid.attributes.layer import AttributeLayer
from scalereid.models.building import build_model
from scalereid.runs.checkpoint import load_checkpoint, load_initial, load_model, save_model
from scalereid.runs.facts import TrainedFacts
from scalereid.runs.log import EpochLog
from scalereid.runs.recipe import ModelSettings, Recipe
from tests.conftest import same
from tests.models.test_imagenet import mobilenetv2

States = Callable[[str], dict[str, np.ndarray]]
RECIPE = Recipe(model=ModelSettings(backbone="osnet_x0_25", embedding_size=64))


@pytest.fixture
def state(released_state: States) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(value) for name, value in released_state("osnet_x0_25").items()}


def test_our_weights_come_back_with_their_recipe(tmp_path: Path) -> None:
    model = build_model("osnet_x0_25", embedding_size=64)
    save_model(tmp_path / "x.safetensors", model, RECIPE, TrainedFacts(EpochLog(3, losses={"total": 0.5})))
    loaded = load_checkpoint(tmp_path / "x.safetensors")
    assert same(loaded.model.state_dict(), model.state_dict())
    assert loaded.recipe
    assert loaded.recipe.whole() == RECIPE
    assert loaded.trained == TrainedFacts(EpochLog(3, losses={"total": 0.5}))
    assert loaded.trained.epoch == 3
    assert not loaded.model.training


def test_every_way_torchreid_saves(tmp_path: Path, state: dict[str, torch.Tensor], released_state: States) -> None:
    torch.save(OrderedDict(state), tmp_path / "plain.pth")
    torch.save(
        {  # torchreid's training checkpoint, from several processors
            "state_dict": OrderedDict((f"module.{name}", tensor) for name, tensor in state.items()),
            "epoch": 60,
            "rank1": np.float32(0.9),
            "optimizer": torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1).state_dict(),
        },
        tmp_path / "model.pth.tar-60",
    )
    torch.save(OrderedDict(state), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file(state, tmp_path / "plain.safetensors")
    models = [load_model(tmp_path / name) for name in ("plain.pth", "model.pth.tar-60", "old.pth", "plain.safetensors")]
    models += [load_model(state), load_model(released_state("osnet_x0_25"))]
    models.append(load_model(torch.load(tmp_path / "model.pth.tar-60", weights_only=False)))
    models.append(load_model({f"module.{name}": tensor for name, tensor in state.items()}))
    assert all(same(models[0].state_dict(), other.state_dict()) for other in models[1:])
    assert not models[0].training


def test_public_name(state: dict[str, torch.Tensor]) -> None:
    assert scalereid.load_model(state)(torch.randn(2, 3, 64, 32)).shape == (2, 512)


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("harmed"),)


def test_no_code_in_a_file_is_run(
    tmp_path: Path, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({**state, "extra": Harmful()}, "bad.pth")
    Path("raw.pth").write_bytes(pickle.dumps(Harmful()))
    for name in ("bad.pth", "raw.pth"):
        with pytest.raises(ValueError, match=rf"{name}: not a weights file, .* or it holds more than tensors"):
            load_model(name)
    assert not Path("harmed").exists()


OWN_BACKBONE = """
from pathlib import Path
from torch import Tensor, nn
from scalereid.models.backbone import Backbone
Path("ran").touch()

class MyNet(Backbone):
    out_channels = 4

    def __init__(self) -> None:
        super().__init__()
        self.once = nn.Conv2d(3, 4, 3, stride=16)
        self.twice = self.once

    def forward(self, images: Tensor) -> Tensor:
        return self.twice(images)
"""


def test_code_of_ones_own_runs_only_when_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And layers used under two names are saved and loaded like any."""
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(OWN_BACKBONE)
    recipe = Recipe(model=ModelSettings(backbone="net.py:MyNet", embedding_size=8))
    model = build_model("net.py:MyNet", embedding_size=8)
    Path("there").mkdir()
    save_model(Path("there/x.safetensors"), model, recipe, TrainedFacts())
    Path("ran").unlink()
    with pytest.raises(
        ValueError,
        match=r"the backbone of the model is net\.py:MyNet, and using it runs that file; .* set run_code=True",
    ):
        load_model("there/x.safetensors")
    assert not Path("ran").exists()
    assert same(load_model("there/x.safetensors", run_code=True).state_dict(), model.state_dict())
    Path("net.py").rename("there/net.py")  # the copy beside the weights is found from anywhere
    assert same(load_model("there/x.safetensors", run_code=True).state_dict(), model.state_dict())


def test_cut_off_and_empty_files(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    torch.save(state, tmp_path / "x.pth")
    save_file(state, tmp_path / "x.safetensors")
    for name, keep in (("x.pth", 0.6), ("x.pth", 0), ("x.safetensors", 0.6), ("x.safetensors", 0)):
        whole = (tmp_path / name).read_bytes()
        cut = tmp_path / f"cut-{keep}-{name}"
        cut.write_bytes(whole[: int(keep * len(whole))])
        with pytest.raises(ValueError, match=rf"{cut.name}: .*cut off"):
            load_model(cut)


def test_what_is_not_a_state_dict(tmp_path: Path) -> None:
    for number, value in enumerate(([1, 2], {"epoch": 3}, torch.ones(3), {"state_dict": 5})):
        torch.save(value, tmp_path / f"{number}.pth")
        with pytest.raises(ValueError, match="not a state dict"):
            load_model(tmp_path / f"{number}.pth")


def test_a_mapping_without_tensors_is_no_state_dict(state: dict[str, torch.Tensor]) -> None:
    for wrong in ({"model": state}, {**state, "fc.0.bias": None}, {"state_dict": 5}):
        with pytest.raises(ValueError, match="not a state dict, a mapping from names to tensors"):
            load_model(wrong)  # type: ignore[arg-type]


def test_initial_weights_of_every_kind(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    """Ours, torchreid's and torchvision's; what does not fit, or is nothing at all, is named."""
    torch.save(state, tmp_path / "torchreid.pth")
    model = build_model("osnet_x0_25")
    assert "565 tensors matched" in str(load_initial(model, str(tmp_path / "torchreid.pth")))
    save_model(
        tmp_path / "ours.safetensors", model, Recipe(model=ModelSettings(backbone="osnet_x0_25")), TrainedFacts()
    )
    again = build_model("osnet_x0_25")
    load_initial(again, str(tmp_path / "ours.safetensors"))
    assert same(again.state_dict(), model.state_dict())

    torch.save(mobilenetv2(), tmp_path / "mobilenet_v2.pth")
    save_file(mobilenetv2(), tmp_path / "mobilenet_v2.safetensors")
    for name in ("mobilenet_v2.pth", "mobilenet_v2.safetensors"):
        report = str(load_initial(build_model("mobilenetv2"), str(tmp_path / name)))
        assert report.startswith("mobilenetv2: 312 tensors matched; ignored (expected): classifier.1.")
    with pytest.raises(ValueError, match=r"mobilenet_v2\.pth: the weights do not fit the model"):
        load_initial(model, str(tmp_path / "mobilenet_v2.pth"))
    with pytest.raises(FileNotFoundError, match="No weights at"):
        load_initial(model, str(tmp_path / "nothing.pth"))
    (tmp_path / "empty.pth").touch()
    with pytest.raises(ValueError, match="empty.pth: not a weights file"):
        load_initial(model, str(tmp_path / "empty.pth"))


def test_own_weights_that_do_not_fit_their_recipe(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    save_model(file, build_model("osnet_x0_25", embedding_size=32), RECIPE, TrainedFacts())
    with pytest.raises(
        ValueError, match=r"x\.safetensors: the weights do not fit .*\n.*bias is \[32\] where the model has \[64\]"
    ):
        load_model(file)


def test_files_of_another_kind_or_version_are_named(tmp_path: Path) -> None:
    tensors = {"x": torch.ones(1)}
    save_file(tensors, tmp_path / "resume.safetensors", {"format": "scalereid-resume-2"})
    with pytest.raises(ValueError, match=r"a training state, not weights; .* in last\.safetensors"):
        load_model(tmp_path / "resume.safetensors")
    for number, message in ((1, "by an earlier version .*: train again"), (3, "by a later version .*: update it")):
        file, metadata = tmp_path / f"{number}.safetensors", {"format": f"scalereid-weights-{number}", "recipe": "{}"}
        save_file(tensors, file, metadata)
        with pytest.raises(ValueError, match=rf"{number}\.safetensors: .* format scalereid-weights-{number} {message}"):
            load_model(file)


def test_missing_things_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="No weights at .*nothing"):
        load_model(tmp_path / "nothing.pth")
    with pytest.raises(FileNotFoundError, match="is not a run"):
        load_model(tmp_path)


def test_weights_are_plain_safetensors(tmp_path: Path) -> None:
    model = build_model("osnet_x0_25", embedding_size=64)
    save_model(tmp_path / "x.safetensors", model, RECIPE, TrainedFacts())
    assert same(load_file(tmp_path / "x.safetensors"), model.state_dict())


@pytest.mark.data
@pytest.mark.parametrize("name", ["market1501", "msmt17"])
def test_real_released_weights(data_root: Path, name: str) -> None:
    loaded = load_checkpoint(data_root / "weights" / f"osnet_x0_25_{name}.pth")
    assert len(loaded.report.matched) == 565
    assert loaded.report.ignored == ("classifier.weight", "classifier.bias")
    assert loaded.report.backbone == "osnet_x0_25"


def test_a_layer_of_attributes_lies_beside_the_weights(tmp_path: Path) -> None:
    """Who asks for the network gets the same as without; damage is named."""
    model, file = build_model("osnet_x0_25", embedding_size=64), tmp_path / "x.safetensors"
    layer = AttributeLayer(("hat", "bag"), np.random.default_rng(0).random((2, 64), np.float32), np.ones(2, np.float32))
    save_model(file, model, RECIPE, TrainedFacts(), attributes=layer)
    loaded = load_checkpoint(file)
    assert loaded.attributes
    assert loaded.attributes.names == layer.names
    np.testing.assert_array_equal(loaded.attributes.weight, layer.weight)
    np.testing.assert_array_equal(loaded.attributes.bias, layer.bias)
    assert same(loaded.model.state_dict(), model.state_dict())
    other = build_model("osnet_x0_25", embedding_size=64)
    report = load_initial(other, str(file))
    assert same(other.state_dict(), model.state_dict())
    assert len(report.matched) == len(model.state_dict())
    tensors = load_file(file)
    with safe_open(file, "pt") as opened:
        metadata = opened.metadata()
    save_file(tensors, file, metadata | {"attributes": '["hat"]'})
    with pytest.raises(ValueError, match=r"x\.safetensors: the layer has 1 attributes, but weights of shape \[2, 64\]"):
        load_checkpoint(file)
    save_file({name: tensor for name, tensor in tensors.items() if name != "attributes.bias"}, file, metadata)
    with pytest.raises(ValueError, match=r"biases of shape \[0\]"):
        load_checkpoint(file)
