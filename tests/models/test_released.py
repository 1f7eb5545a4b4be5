import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from scalereid.models import BACKBONES
from scalereid.models.building import build_model
from scalereid.models.released import load_released, recognise
from tests.conftest import GOLDEN
from tests.golden import inputs

RELEASED = [name for name in BACKBONES if re.match(r"osnet_(ibn_|ain_)?x", name)]
States = Callable[[str], dict[str, np.ndarray]]


def tensors(state: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in state.items()}


@pytest.mark.parametrize("name", RELEASED)
def test_embeddings_and_feature_maps_are_torchreids(name: str, released_state: States) -> None:
    golden = np.load(GOLDEN / "torchreid_models.npz")
    state = tensors(released_state(name))
    assert recognise(state) == name
    model = build_model(name).eval()
    report = load_released(model, state, name)
    assert len(report.matched) == len(state) - 2
    assert report.ignored == ("classifier.weight", "classifier.bias")
    for seed, (height, width) in enumerate([(256, 128), (128, 64)]):
        images = torch.from_numpy(inputs.images(seed, 2, height, width))
        with torch.no_grad():
            embeddings, maps = model(images), model.feature_maps(images)
        for result, what in ((embeddings, "embeddings"), (maps.mean(dim=(2, 3)), "feature_map_means")):
            expected = golden[f"{name}/{height}x{width}/{what}"]
            assert np.abs(result.numpy() - expected).max() <= 1e-4 * np.abs(expected).max()


def test_nine_are_released() -> None:
    assert len(RELEASED) == 9


def test_report_in_words(released_state: States) -> None:
    report = load_released(build_model("osnet_x0_25"), tensors(released_state("osnet_x0_25")), "osnet_x0_25")
    assert str(report) == (
        "osnet_x0_25: 565 tensors matched; ignored (expected): classifier.weight, classifier.bias; unexpected: none"
    )


def test_weights_saved_in_half_precision_are_loaded(released_state: States) -> None:
    state = {
        name: t.half() if t.is_floating_point() else t for name, t in tensors(released_state("osnet_x0_25")).items()
    }
    model = build_model("osnet_x0_25")
    load_released(model, state, "osnet_x0_25")
    assert {t.dtype for t in model.state_dict().values()} == {torch.float32, torch.int64}


def test_nothing_is_loaded_unless_everything_fits(released_state: States) -> None:
    state = tensors(released_state("osnet_x0_25"))
    model = build_model("osnet_x0_25")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    spoiled: list[tuple[dict[str, Tensor], str]] = [
        (
            {name: tensor for name, tensor in state.items() if name != "conv5.conv.weight"},
            "backbone.final.conv.weight is missing",
        ),
        (state | {"extra": torch.zeros(1)}, "extra is unexpected"),
        (
            state | {"fc.0.weight": torch.zeros(512, 64)},
            r"linear.weight is \[512, 64\] where the model has \[512, 128\]",
        ),
        (
            state | {"fc.0.bias": torch.zeros(512, dtype=torch.complex64)},
            "bias is complex64 where the model has float32",
        ),
        (
            state | {"fc.0.bias": torch.zeros(512, dtype=torch.int64)},
            "linear.bias is int64 where the model has float32",
        ),
        (state | {"fc.1.num_batches_tracked": torch.tensor(0.5)}, "tracked is float32 where the model has int64"),
        (state | {"fc.0.bias": torch.full((512,), torch.nan)}, "embedding.linear.bias holds values .* not finite"),
    ]
    for wrong, message in spoiled:
        with pytest.raises(ValueError, match=message):
            load_released(model, wrong, "osnet_x0_25")
        assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_foreign_weights_are_not_taken_for_an_osnet(released_state: States) -> None:
    with pytest.raises(ValueError, match=r"not those of an OSNet as torchreid saves it: layer1\.0\.weight"):
        recognise({"layer1.0.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match="conv1 has 24 channels"):
        recognise(tensors(released_state("osnet_x0_25")) | {"conv1.conv.weight": torch.zeros(24, 3, 7, 7)})
    with pytest.raises(ValueError, match=r"stages\.1\.0\.outside\.weight is unexpected"):
        state = tensors(released_state("osnet_x0_25")) | {"conv3.0.IN.weight": torch.zeros(96)}
        load_released(build_model("osnet_x0_25"), state, "osnet_x0_25")
    with pytest.raises(ValueError, match="there are none"):
        recognise({})
