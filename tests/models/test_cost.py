import json
from functools import cache
from pathlib import Path

import pytest

import scalereid
from scalereid.models import BACKBONES
from scalereid.models.building import build_model
from scalereid.models.cost import Cost, cost
from scalereid.runs.recipe import ModelSettings
from scalereid.runs.wiring import build_recipe_model

# arXiv:1905.00953, table 6: multiply-adds in millions by resolution; exact parameter counts from the architecture.
PAPER = [
    ("osnet_x1_0", 2_169_508, (256, 128), 978.9),
    ("osnet_x1_0", 2_169_508, (192, 96), 550.7),
    ("osnet_x1_0", 2_169_508, (128, 64), 244.9),
    ("osnet_x1_0", 2_169_508, (64, 32), 61.5),
    ("osnet_x0_75", 1_285_754, (256, 128), 571.8),
    ("osnet_x0_75", 1_285_754, (192, 96), 321.7),
    ("osnet_x0_5", 630_034, (256, 128), 272.9),
    ("osnet_x0_5", 630_034, (128, 64), 68.3),
    ("osnet_x0_25", 201_864, (256, 128), 82.3),
    ("osnet_x0_25", 201_864, (64, 32), 5.2),
]

# The ablation's rows (table 5), whose costs the paper gives for the full convolutions alone: 6.9 M and 3,384.9 M. The
# others follow from the architecture; the test after next sums them up by hand.
ABLATIONS = [
    ("osnet_full_convolutions", 6_869_028, 3_376.2),
    ("osnet_same_depth_2", 2_038_052, 911.0),
    ("osnet_same_depth_3", 2_300_964, 1_046.8),
    ("osnet_concatenation", 2_874_176, 1_343.7),
    ("osnet_addition", 2_161_472, 978.9),
    ("osnet_separate_gates", 2_193_616, 978.9),
    ("osnet_stream_gate", 2_165_262, 978.9),
    ("osnet_fixed_gates", 2_163_776, 978.9),
    ("osnet_one_stream", 1_569_920, 673.3),
    ("osnet_two_streams", 1_709_412, 741.2),
    ("osnet_three_streams", 1_906_596, 843.1),
]


# With a classifier of 1,000 classes at 224×224, or of 10 at 32×32, in millions: arXiv:1905.00953, tables 8 to 10. The paper's
# multiply-adds are 0.8 to 1.4 % more than convolutions and linear layers have. MobileNetV2's are of arXiv:1801.04381, table 4.
CLASSIFIERS = [
    (ModelSettings(backbone="osnet_x1_0"), 224, 1_000, 2.7, (1499.3, 1511)),
    (ModelSettings(backbone="osnet_x0_75"), 224, 1_000, 1.8, (875.9, 885)),
    (ModelSettings(backbone="osnet_x0_5"), 224, 1_000, 1.1, (418.3, 424)),
    (ModelSettings(backbone="osnet_cifar"), 32, 10, 2.2, (452.8, None)),
    (ModelSettings(backbone="osnet_cifar"), 32, 100, 2.2, (452.9, None)),
    (ModelSettings(backbone="osnet_cifar_210"), 32, 10, 4.6, (880.8, None)),
    (ModelSettings(backbone="mobilenetv2", neck="none", embedding_size=1280), 224, 1_000, 3.5, (300.8, 300)),
]


@pytest.mark.parametrize(("settings", "side", "classes", "parameters", "multiply_adds"), CLASSIFIERS)
def test_the_costs_of_classifiers(
    settings: ModelSettings, side: int, classes: int, parameters: float, multiply_adds: tuple[float, float | None]
) -> None:
    found, classifier = cost(build_recipe_model(settings), (side, side)), settings.embedding_size * classes
    assert round((found.parameters + classifier + classes) / 1e6, 1) == parameters
    ours, papers = multiply_adds
    assert round((found.multiply_adds + classifier) / 1e6, 1) == ours
    assert papers is None or ours == pytest.approx(papers, rel=0.014)


@cache
def counted(name: str, image_size: tuple[int, int] = (256, 128)) -> Cost:
    return cost(build_model(name), image_size)


# What `scalereid models` lists: parameters and multiply-adds, one line for each backbone.
STORED = json.loads((Path(scalereid.__file__).parent / "models" / "costs.json").read_text())


def test_every_backbone_has_stored_costs() -> None:
    assert [*STORED] == [*BACKBONES]


@pytest.mark.parametrize("name", BACKBONES)
def test_stored_costs_are_those_counted(name: str) -> None:
    assert [*counted(name)] == STORED[name]


@pytest.mark.parametrize(("name", "parameters", "millions"), ABLATIONS)
def test_ablations(name: str, parameters: int, millions: float) -> None:
    found = counted(name)
    assert found.parameters == parameters
    assert found.multiply_adds / 1e6 == pytest.approx(millions, abs=0.06)


def test_instance_norm_costs_no_work() -> None:
    """OSNet-AIN's replaces a batch norm of the same size; OSNet-IBN's two after the additions come on top."""
    assert counted("osnet_ain_x1_0") == counted("osnet_x1_0")
    assert counted("osnet_ain_x0_25") == counted("osnet_x0_25")
    plain, ibn = counted("osnet_x1_0"), counted("osnet_ibn_x1_0")
    assert ibn == (plain.parameters + 2 * 2 * 256, plain.multiply_adds)
    assert ibn.parameters == 2_170_532
    plain = counted("dslnet")
    assert counted("dslnet_ain") == plain
    assert counted("dslnet_ibn") == (plain.parameters + 2 * 2 * 252, plain.multiply_adds)


def test_ablations_differ_from_osnet_by_what_they_say() -> None:
    """The same totals, from OSNet's own and the parts that change."""
    whole, gate = 2_169_508, {64: 4, 96: 6, 128: 8}  # hidden channels by width of a stream
    gates = sum(2 * (2 * c * hidden + hidden + c) for c, hidden in gate.items())
    lite = sum(2 * (c * c + 9 * c + 2 * c) for c in gate)  # one layer in each of two blocks a stage
    restore = sum(2 * c * 4 * c for c in gate)  # by one stream's channels
    sizes = {name: parameters for name, parameters, _ in ABLATIONS}
    assert sizes["osnet_addition"] == whole - gates
    assert sizes["osnet_separate_gates"] == whole + 3 * gates
    assert sizes["osnet_fixed_gates"] == whole - gates + sum(2 * 4 * c for c in gate)
    assert sizes["osnet_concatenation"] == whole - gates + 3 * restore
    assert sizes["osnet_stream_gate"] == whole - sum(2 * (c - 1) * (hidden + 1) for c, hidden in gate.items())
    assert sizes["osnet_same_depth_2"] == whole - 2 * lite
    assert sizes["osnet_same_depth_3"] == whole + 2 * lite
    assert sizes["osnet_three_streams"] == whole - 4 * lite
    assert sizes["osnet_two_streams"] == whole - 7 * lite
    assert sizes["osnet_one_stream"] == whole - 9 * lite - gates  # which needs no gate
    assert sizes["osnet_full_convolutions"] == whole + 10 * sum(2 * (9 * c * c - c * c - 9 * c) for c in gate)


def test_dslnet_is_what_the_paper_counts() -> None:
    """1.9 M parameters and 825.0 M multiply-adds (ACCV 2020); the exact figures follow from the structure."""
    found = counted("dslnet")
    assert 1.90e6 <= found.parameters <= 1.94e6
    assert 824.9e6 <= found.multiply_adds <= 825.1e6
    total, parameters = 8192 * 3 * 60 * 49, 3 * 60 * 49 + 2 * 60
    for positions, inputs, outputs, middle in ((2048, 60, 252, 63), (512, 252, 384, 96), (128, 384, 516, 129)):
        weights = 0
        for first in (inputs, outputs):
            weights += first * middle + 6 * middle * (middle + 9) + middle * outputs  # reduce, six Lite 3×3, expand
            parameters += 2 * (7 * middle + outputs)  # norms
            nets = 3 * (middle // 3) * (middle // 16) + 3 * (middle // 16) * middle
            total += nets
            parameters += nets + 3 * (middle // 16) + 3 * middle
        weights += inputs * outputs + outputs * outputs  # shortcut, 1×1 at the end
        parameters += weights + 2 * 2 * outputs
        total += positions * weights
    total, parameters = total + 516 * 512, parameters + 516 * 512 + 3 * 512
    assert found == (parameters, total)
    assert found == (1_919_838, 824_986_152)


def test_baselines_are_the_known_ones() -> None:
    """The trunks' published sizes: torchvision's 25,557,032 and 3,504,872 less their classifiers for 1,000 classes."""
    for name, trunk, channels in (
        ("resnet50", 25_557_032 - 2_049_000, 2048),
        ("mobilenetv2", 3_504_872 - 1_281_000, 1280),
    ):
        embedding = channels * 512 + 3 * 512
        assert counted(name).parameters == trunk + embedding


@pytest.mark.parametrize(("name", "parameters", "image_size", "millions"), PAPER)
def test_papers_counts(name: str, parameters: int, image_size: tuple[int, int], millions: float) -> None:
    found = counted(name, image_size)
    assert found.parameters == parameters
    assert found.multiply_adds / 1e6 == pytest.approx(millions, abs=0.1)


def test_against_a_sum_by_hand() -> None:
    """OSNet x1.0's own layers at 256×128: positions × inputs × outputs × kernel, the gate once for each of four streams."""
    total = 8192 * 4 * 3 * 64 * 49 // 4  # stem: 128×64 positions
    for positions, inputs, outputs in ((64 * 32, 64, 256), (32 * 16, 256, 384), (16 * 8, 384, 512)):
        middle = outputs // 4
        for first in (inputs, outputs):
            total += positions * (first * middle + middle * outputs)  # reduce, restore
            total += 10 * positions * middle * (middle + 9)  # ten Lite 3×3
            total += 4 * 2 * middle * (middle // 16)  # gate
            total += positions * first * outputs if first != outputs else 0  # shortcut
        total += positions * outputs * outputs  # transition, or the last convolution
    total += 512 * 512
    assert counted("osnet_x1_0").multiply_adds == total == 978_875_392


def test_counting_leaves_the_model_where_it_was() -> None:
    model = build_model("osnet_x0_25").train()
    cost(model)
    assert model.training
    assert next(model.parameters()).device.type == "cpu"


def test_counting_leaves_a_model_as_it_was() -> None:
    model = build_model("osnet_x0_25")
    model.backbone.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [layer.training for layer in model.modules()]
    assert cost(model) == cost(model)
    assert [layer.training for layer in model.modules()] == modes
    assert not any(layer._forward_hooks for layer in model.modules())
    assert all(tensor.equal(before[name]) for name, tensor in model.state_dict().items())
