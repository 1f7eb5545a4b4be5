"""torchvision's names, written down by hand: the library itself does not import beside every torch."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from scalereid.models.building import build_model
from scalereid.models.imagenet import load_trunk, recognise_trunk

State = dict[str, Tensor]


def conv(state: State, name: str, inputs: int, outputs: int, kernel: int) -> None:
    state[f"{name}.weight"] = torch.randn(outputs, inputs, kernel, kernel) * (kernel * kernel * inputs) ** -0.5


def norm(state: State, name: str, channels: int) -> None:
    for what in ("weight", "bias", "running_mean"):
        state[f"{name}.{what}"] = torch.randn(channels) * 0.1 + (what == "weight")
    state[f"{name}.running_var"] = torch.rand(channels) + 0.5
    state[f"{name}.num_batches_tracked"] = torch.tensor(7)


def resnet50() -> State:
    state: State = {}
    conv(state, "conv1", 3, 64, 7)
    norm(state, "bn1", 64)
    inputs = 64
    for layer, (inner, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=1):
        for block in range(blocks):
            name = f"layer{layer}.{block}"
            conv(state, f"{name}.conv1", inputs, inner, 1)
            conv(state, f"{name}.conv2", inner, inner, 3)
            conv(state, f"{name}.conv3", inner, 4 * inner, 1)
            for number, channels in ((1, inner), (2, inner), (3, 4 * inner)):
                norm(state, f"{name}.bn{number}", channels)
            if block == 0:
                conv(state, f"{name}.downsample.0", inputs, 4 * inner, 1)
                norm(state, f"{name}.downsample.1", 4 * inner)
            inputs = 4 * inner
    return state | {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}


def mobilenetv2() -> State:
    state: State = {}
    conv(state, "features.0.0", 3, 32, 3)
    norm(state, "features.0.1", 32)
    conv(state, "features.1.conv.0.0", 1, 32, 3)
    norm(state, "features.1.conv.0.1", 32)
    conv(state, "features.1.conv.1", 32, 16, 1)
    norm(state, "features.1.conv.2", 16)
    channels = [16, 24, 24, *[32] * 3, *[64] * 4, *[96] * 3, *[160] * 3, 320]
    for number, (inputs, outputs) in enumerate(pairwise(channels), start=2):
        name = f"features.{number}.conv"
        conv(state, f"{name}.0.0", inputs, 6 * inputs, 1)
        norm(state, f"{name}.0.1", 6 * inputs)
        conv(state, f"{name}.1.0", 1, 6 * inputs, 3)
        norm(state, f"{name}.1.1", 6 * inputs)
        conv(state, f"{name}.2", 6 * inputs, outputs, 1)
        norm(state, f"{name}.3", outputs)
    conv(state, "features.18.0", 320, 1280, 1)
    norm(state, "features.18.1", 1280)
    return state | {"classifier.1.weight": torch.zeros(1000, 1280), "classifier.1.bias": torch.zeros(1000)}


@pytest.mark.parametrize(("name", "make"), [("resnet50", resnet50), ("mobilenetv2", mobilenetv2)])
def test_the_whole_trunk_is_loaded(name: str, make: type[State]) -> None:
    state = make()
    assert recognise_trunk(state) == name
    model = build_model(name)
    before = {key: tensor.clone() for key, tensor in model.embedding.state_dict().items()}
    report = load_trunk(model, state, name)
    assert len(report.matched) == len(state) - 2
    assert len(report.ignored) == 2
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.embedding.state_dict().items())
    # In the order of their use, both sides list the same convolutions and norms.
    theirs = [tensor for key, tensor in state.items() if tensor.ndim == 4 and "downsample" not in key]
    ours = [
        module.weight
        for key, module in model.backbone.named_modules()
        if isinstance(module, nn.Conv2d) and "shortcut" not in key
    ]
    assert all(torch.equal(one, other) for one, other in zip(theirs, ours, strict=True))
    variances = [tensor for key, tensor in state.items() if "running_var" in key]
    norms = [m.running_var for m in model.backbone.modules() if isinstance(m, nn.BatchNorm2d)]
    assert sorted(float(v.sum()) for v in variances) == sorted(float(v.sum()) for v in norms if v is not None)


def test_a_resnet_block_by_hand() -> None:
    """The second stage's first block with torchvision's tensors under torchvision's names."""
    state = resnet50()
    model = build_model("resnet50").eval()
    load_trunk(model, state, "resnet50")

    def conv_norm(x: Tensor, conv: str, bn: str, stride: int = 1) -> Tensor:
        weight = state[f"{conv}.weight"]
        x = nn.functional.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        mean, variance = state[f"{bn}.running_mean"], state[f"{bn}.running_var"]
        return nn.functional.batch_norm(x, mean, variance, state[f"{bn}.weight"], state[f"{bn}.bias"])

    maps = torch.randn(1, 256, 8, 4)
    inner = conv_norm(maps, "layer2.0.conv1", "layer2.0.bn1").relu()
    inner = conv_norm(inner, "layer2.0.conv2", "layer2.0.bn2", stride=2).relu()
    inner = conv_norm(inner, "layer2.0.conv3", "layer2.0.bn3")
    shortcut = conv_norm(maps, "layer2.0.downsample.0", "layer2.0.downsample.1", stride=2)
    block = model.backbone.get_submodule("stages.1.0")
    torch.testing.assert_close(block(maps), (inner + shortcut).relu(), rtol=1e-4, atol=1e-5)


def test_files_without_numbers_of_batches_are_loaded() -> None:
    """As resnet50-19c8e357.pth, which torchreid starts from: written before batch norms counted batches."""
    state = {name: tensor for name, tensor in resnet50().items() if "num_batches" not in name}
    model = build_model("resnet50")
    report = load_trunk(model, state, "resnet50")
    assert len(report.matched) == len(state) - 2
    assert torch.equal(model.backbone.get_parameter("stem.conv.weight"), state["conv1.weight"])
    some = state | {"bn1.num_batches_tracked": torch.tensor(7)}
    with pytest.raises(ValueError, match="num_batches_tracked is missing"):
        load_trunk(build_model("resnet50"), some, "resnet50")


def test_what_does_not_fit_is_named() -> None:
    state = mobilenetv2()
    del state["features.5.conv.1.0.weight"]
    with pytest.raises(ValueError, match=r"backbone.stages.2.1.depthwise.0.weight is missing"):
        load_trunk(build_model("mobilenetv2"), state, "mobilenetv2")
    assert recognise_trunk({"conv1.weight": torch.zeros(1)}) is None
