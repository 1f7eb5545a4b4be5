import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from scalereid.data.augmentation import normalise
from scalereid.inference.agreement import Agreement, compare
from scalereid.inference.export.graph import PixelModel, _exported, cached_onnx, graph_file, write_onnx
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.runtimes.onnx_runtime import OnnxRuntime
from scalereid.inference.runtimes.pytorch import PyTorchRuntime
from scalereid.inference.trained import describe_model
from scalereid.models import BACKBONES
from scalereid.models.backbone import Backbone
from scalereid.models.building import build_model
from scalereid.models.dslnet import DenseScaleBlock
from scalereid.models.embedding_model import EmbeddingModel, NeckName, PoolingName
from scalereid.models.joined import JoinedModel
from scalereid.models.layers import ConvNormReLU, InstanceNorm
from scalereid.models.osnet import OmniScaleBlock
from scalereid.models.released import LoadReport
from scalereid.runs.checkpoint import LoadedModel, load_checkpoint, load_model
from scalereid.runs.facts import TrainedFacts
from scalereid.runs.recipe import DataSettings, ModelSettings, Recipe
from scalereid.runs.saved_recipe import SavedRecipe
from tests.inference.conftest import OWN_BACKBONE

# Supported without a restriction that matters: github.com/onnx/onnx-tensorrt, docs/operators.md
TENSORRT = {
    *("Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Conv", "Div", "Gather", "Gemm"),
    *("GlobalAveragePool", "GlobalMaxPool", "Identity", "InstanceNormalization", "Max", "MaxPool", "Mul", "Pow"),
    *("ReduceMax", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Sigmoid", "Softmax", "Sub", "Transpose"),
}


class OneOfEach(Backbone):
    """A block of OSNet-AIN and one of DSLNet: every kind of layer that there is in either."""

    out_channels = 24

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            ConvNormReLU(3, 8, 7, stride=2, norm=InstanceNorm),
            nn.MaxPool2d(3, stride=2, padding=1),
            OmniScaleBlock(8, 16, depths=(1,), placement="both"),
            nn.AvgPool2d(2),
            DenseScaleBlock(16, 24, stream_layers=(1, 2)),
        )

    def forward(self, images: Tensor) -> Tensor:
        maps: Tensor = self.trunk(images)
        return maps


def operations(model: EmbeddingModel, file: Path) -> set[str]:
    """Those of an ONNX file, whose form is checked."""
    import onnx

    write_onnx(model, ModelMetadata("", "0" * 12, (64, 32), model.embedding_size), file)
    graph = onnx.load(str(file))
    onnx.checker.check_model(graph, full_check=True)
    [given], [found] = graph.graph.input, graph.graph.output
    given_size, found_size = (
        [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim] for value in (given, found)
    )
    assert (given.name, given_size) == ("images", ["batch", 64, 32, 3])  # as trtexec is told
    assert (found.name, found_size) == ("embeddings", ["batch", model.embedding_size])
    inside = {size.dim_param for value in graph.graph.value_info for size in value.type.tensor_type.shape.dim}
    assert inside <= {"", "batch"}
    return {node.op_type for node in graph.graph.node}


@pytest.mark.parametrize(("pooling", "neck"), [("average", "fc"), ("gem", "bnneck")])
def test_tensorrt_knows_every_operation(tmp_path: Path, pooling: PoolingName, neck: NeckName) -> None:
    """TensorRT is not here. What it takes of ONNX is published, and all that these graphs hold must be among that."""
    model = EmbeddingModel(OneOfEach(), embedding_size=16, pooling=pooling, neck=neck)
    assert operations(model, tmp_path / "model.onnx") <= TENSORRT


@pytest.mark.slow
def test_tensorrt_knows_every_operation_of_whole_networks(tmp_path: Path) -> None:
    found = [
        operations(build_model(name, width=0.25), tmp_path / f"{name}.onnx") for name in ("osnet_ain_x1_0", "dslnet")
    ]
    assert set.union(*found) <= TENSORRT
    assert set.union(*found) <= operations(EmbeddingModel(OneOfEach()), tmp_path / "one.onnx")  # so that one is enough


def written_as(monkeypatch: pytest.MonkeyPatch, model: EmbeddingModel, file: Path) -> tuple[bool, Agreement]:
    """Whether torch's exporter wrote a model, and how ONNX Runtime agrees with torch."""
    asked: list[nn.Module] = []

    def export(network: nn.Module, image: Tensor) -> Any:
        asked.append(network)
        return _exported(network, image)

    monkeypatch.setattr("scalereid.inference.export.graph._exported", export)
    size = (64, 32)
    write_onnx(model, ModelMetadata("", "0" * 12, size, model.embedding_size), file)
    expected = PyTorchRuntime(model, "float32", torch.device("cpu"))
    return bool(asked), compare(expected, OnnxRuntime(file), size)


@pytest.mark.parametrize("name", ["osnet_ain_x0_25", "osnet_fixed_gates", "dslnet", "mobilenetv2"])
def test_networks_are_written_from_their_calls(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_torch, agreement = written_as(monkeypatch, build_model(name).eval(), tmp_path / "x.onnx")
    assert not by_torch
    assert agreement.difference < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(name for name in BACKBONES if "supernet" not in name))
def test_every_network_is_written_from_its_calls(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_torch, agreement = written_as(monkeypatch, build_model(name).eval(), tmp_path / "x.onnx")
    assert not by_torch
    assert agreement.difference < 1e-6


class CountsImages(OneOfEach):
    """A backbone that asks how many images there are, which a list of calls does not say."""

    def forward(self, images: Tensor) -> Tensor:
        maps = super().forward(images)
        return maps.reshape(maps.size(0), 24, -1, 1)


def test_torch_writes_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = EmbeddingModel(CountsImages(), embedding_size=16).eval()
    by_torch, agreement = written_as(monkeypatch, model, tmp_path / "x.onnx")
    assert by_torch
    assert agreement.difference < 1e-5


def test_pixels_are_normalised_inside(run: Path) -> None:
    model = load_model(run)
    pixels = torch.randint(0, 256, (3, 64, 32, 3), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(PixelModel(model)(pixels), model(normalise(pixels)), rtol=1e-3, atol=1e-4)


def test_a_cache_that_cannot_be_written_is_named(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SCALEREID_CACHE", str(tmp_path / "file" / "cache"))
    loaded = load_checkpoint(run)
    with pytest.raises(
        OSError, match=rf"\.onnx cannot be written: {tmp_path}/file is not a folder; choose another name"
    ):
        cached_onnx(loaded, describe_model(loaded, run))


def test_two_at_once_write_one_graph(run: Path, cache: Path) -> None:
    loaded = load_checkpoint(run)
    metadata = describe_model(loaded, run)
    with ThreadPoolExecutor(2) as pool:
        files = [*pool.map(lambda _: cached_onnx(loaded, metadata), range(2))]
    assert files == [graph_file(loaded, metadata)] * 2
    assert files[0].parent == cache / "graphs"
    beside = [file.name for file in files[0].parent.iterdir() if f"partial-{os.getpid()}" in file.name]
    assert beside == []  # nothing half written
    pixels = np.zeros((1, 64, 32, 3), np.uint8)
    np.testing.assert_array_equal(OnnxRuntime(files[0])(pixels), OnnxRuntime(files[1])(pixels))


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"another"),
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.unlink(),
        lambda file: file.with_name(f"{file.name}.sha256").unlink(),
        lambda file: file.with_name(f"{file.name}.sha256").write_text("cut"),
    ],
    ids=["empty", "other", "cut", "gone", "no checksum", "damaged checksum"],
)
def test_a_damaged_graph_in_the_cache_is_written_anew(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], object]
) -> None:
    written: list[Path] = []

    def write_something(_: object, __: object, file: Path) -> None:
        file.write_bytes(b"graph")
        written.append(file)

    monkeypatch.setenv("SCALEREID_CACHE", str(tmp_path))
    monkeypatch.setattr("scalereid.inference.export.graph.write_onnx", write_something)
    loaded = load_checkpoint(run)
    metadata = describe_model(loaded, run)
    file = cached_onnx(loaded, metadata)
    assert cached_onnx(loaded, metadata) == file
    assert len(written) == 1
    subprocess.run(["sha256sum", "--check", f"{file.name}.sha256"], cwd=file.parent, check=True, capture_output=True)
    damage(file)
    assert cached_onnx(loaded, metadata).read_bytes() == b"graph"
    assert cached_onnx(loaded, metadata) == file
    assert len(written) == 2
    assert len([*file.parent.iterdir()]) == 2


def saved_recipe(model: ModelSettings) -> SavedRecipe:
    return SavedRecipe(json.dumps(Recipe(data=DataSettings(image_size=(64, 32)), model=model).to_json()))


def test_another_network_of_the_same_weights_has_another_graph() -> None:
    """As after `initial_weights` from another one, before training: a pooling, and how layers are connected, have no weights.

    Where it was started from, and how it is trained, makes no difference.
    """
    files = []
    for settings in (
        one := ModelSettings(backbone="dslnet", width=0.25),
        replace(one, initial_weights="runs/x", checkpointing=True),
        replace(one, pooling="max"),
        replace(one, backbone="dslnet_not_dense"),
    ):
        torch.manual_seed(0)
        model = build_model(settings.backbone, width=settings.width, pooling=settings.pooling)
        loaded = LoadedModel(model, LoadReport(settings.backbone, (), ()), saved_recipe(settings), TrainedFacts())
        metadata = describe_model(loaded, {}, (64, 32))
        files.append((metadata.fingerprint, graph_file(loaded, metadata)))
    assert len({weights for weights, _ in files}) == 1
    assert files[0] == files[1]
    assert len({*files}) == 3


def saved(*options: str) -> SavedRecipe:
    return saved_recipe(ModelSettings(backbone="net.py:MyNet", options=options))


def test_a_network_of_ones_own_that_was_edited_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same weights, so its graph in the cache is of no use. Likewise with other options."""
    monkeypatch.chdir(tmp_path)
    metadata = ModelMetadata("", "0" * 12, (64, 32), 8)
    files: list[Path] = []
    for code in (OWN_BACKBONE, OWN_BACKBONE, OWN_BACKBONE.replace("self.stem(images)", "self.stem(images) ** 2")):
        Path("net.py").write_text(code)
        model = build_model("net.py:MyNet", embedding_size=8)
        loaded = LoadedModel(model, LoadReport("net.py:MyNet", (), ()), saved(), TrainedFacts())
        files.append(graph_file(loaded, metadata))
    assert files[0] == files[1] != files[2]
    assert len({*files, graph_file(replace(loaded, recipe=saved("slope=0.1")), metadata)}) == 3
    joined = replace(loaded, model=JoinedModel([model, model]), peer=saved("slope=0.2"))
    other = replace(joined, peer=saved("slope=0.3"))
    assert len({*files, graph_file(joined, metadata), graph_file(other, metadata)}) == 4
