"""Every kind of file of ours, made small and without training."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from scalereid.data.records import ReidDataset
from scalereid.inference.embed_files import embed_files
from scalereid.inference.embedder import Embedder
from scalereid.inference.items import Item
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.opening import RuntimeOptions, open_model
from scalereid.inference.runtimes.openvino_runtime import save_network
from scalereid.models.genotype import AIN
from scalereid.process import environment
from scalereid.retrieval.calibration import Calibration
from scalereid.retrieval.pairs import OperatingPoint
from scalereid.retrieval.per_query import PerQuery
from scalereid.retrieval.scores import Scores
from scalereid.runs.checkpoint import save_model
from scalereid.runs.facts import RunDatasets, TrainedFacts, describe
from scalereid.runs.log import EpochLog
from scalereid.runs.resume import save_state
from scalereid.runs.run import Run, create_run
from scalereid.runs.wiring import build_recipe_model
from scalereid.training.search import SearchState
from tests.conftest import TINY
from tests.damage import Json
from tests.training.conftest import fresh

CPU = torch.device("cpu")
SIZE = (64, 32)
METADATA = ModelMetadata("means", "0123456789ab", SIZE, 3, recipe=json.dumps(TINY.to_json()))
CALIBRATION = Calibration(
    "cosine", "net", "abc", "toy (123)", "logistic", ((0.0, 4.0), (2.0, -4.0)), 0.5, same_pairs=100, different_pairs=100,
    points=(OperatingPoint(0.1, 0.5, 0.1, 0.9, (0.4, 0.6)),),
)  # fmt: skip
PER_QUERY = PerQuery(np.array([0.5, 1.0, np.nan]), np.array([2, 1, 0]), np.array([7, 7, 8]))
SCORES = Scores(0.5, 0.4, np.array([0.5, 1.0]), 3, 1, "cosine", "market1501", per_query=PER_QUERY)


class Material(NamedTuple):
    """What takes long to make, and is made once."""

    people: ReidDataset
    run: Run
    means: Path
    """A folder with the same small graph in each format."""
    embedder: Embedder

    @property
    def items(self) -> list[Item]:
        """A few images."""
        return [Item(str(r.path), r.pid, r.camid) for r in self.people.query[:4]]


class Means(nn.Module):
    """Mean colours: a network so small that it is written at once."""

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.float().mean(dim=(1, 2))


def write_means(folder: Path) -> None:
    """The network in each format, with our metadata."""
    image = onnx.helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["n", *SIZE, 3])
    rows = onnx.helper.make_tensor_value_info("embeddings", onnx.TensorProto.FLOAT, ["n", 3])
    nodes = [
        onnx.helper.make_node("Cast", ["images"], ["values"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("ReduceMean", ["values", "axes"], ["embeddings"], keepdims=0),
    ]
    axes = onnx.helper.make_tensor("axes", onnx.TensorProto.INT64, [2], [1, 2])
    graph = onnx.helper.make_graph(nodes, "means", [image], [rows], [axes])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
    onnx.helper.set_model_props(model, {"scalereid": METADATA.to_json()})
    onnx.save(model, folder / "means.onnx")
    save_network(folder / "means.onnx", METADATA, folder / "means.xml")
    batch = ({0: torch.export.Dim("batch", min=1, max=64)},)
    program = torch.export.export(Means(), (torch.zeros(2, *SIZE, 3, dtype=torch.uint8),), dynamic_shapes=batch)
    torch.export.save(program, folder / "means.pt2", extra_files={"scalereid": METADATA.to_json()})


def write_run(people: ReidDataset, folder: Path) -> Run:
    """A run with every file, as far as can be seen, without training."""
    facts = describe(people)
    run = create_run(folder, TINY, RunDatasets(str(people.root), facts, facts), environment(CPU))
    search = SearchState(("none", "both"), ((0.5, 0.5),) * 6, (0.69,) * 6, 1.0)
    entry = EpochLog(1, 2.5, {"total": 1.5, "accuracy": 0.5}, 0.1, SCORES, search)
    for one in (EpochLog(0, scores=SCORES), entry):
        run.append(one)
    save_model(run.last, build_recipe_model(TINY.model), TINY, TrainedFacts(entry, facts))
    run.replace_recipe(TINY, epoch=1)
    PER_QUERY.save(run.per_query)
    AIN.save(run.genotype)
    CALIBRATION.save(run.calibration)
    save_state(run.state, fresh())
    return run


PLAIN = Json(Path.read_text, Path.write_text)


def in_safetensors(key: str) -> Json:
    """JSON in the metadata of a safetensors file."""

    def get(file: Path) -> str:
        with safe_open(file, "pt") as opened:
            return str(opened.metadata()[key])

    def put(file: Path, text: str) -> None:
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata()
        save_file(load_file(file), file, metadata | {key: text})

    return Json(get, put)


def put_in_onnx(file: Path, text: str) -> None:
    model = onnx.load(file)
    onnx.helper.set_model_props(model, {"scalereid": text})
    onnx.save(model, file)


def put_in_program(file: Path, text: str) -> None:
    with zipfile.ZipFile(file) as before:
        entries = {name: before.read(name) for name in before.namelist()}
    with zipfile.ZipFile(file, "w") as after:
        for name, content in entries.items():
            after.writestr(name, text if name.endswith("/extra/scalereid") else content)


def of_run(name: str) -> Callable[[Material, Path], Path]:
    def make(material: Material, folder: Path) -> Path:
        shutil.copytree(material.run.folder, folder, dirs_exist_ok=True)
        return folder / name

    return make


def exported(suffix: str, damaged: str = "") -> Callable[[Material, Path], Path]:
    def make(material: Material, folder: Path) -> Path:
        for file in material.means.glob("means.*"):
            shutil.copy(file, folder)
        return folder / f"means{damaged or suffix}"

    return make


def opened(suffix: str) -> Callable[[Material, Path], Any]:
    return lambda _, file: open_model(file.with_suffix(suffix), RuntimeOptions(run_code=True))


def table(suffix: str) -> Callable[[Material, Path], Path]:
    def make(material: Material, folder: Path) -> Path:
        embed_files(material.embedder, material.items, folder / f"embedded{suffix}")
        return folder / f"embedded{suffix}"

    return make


def stopped_job(name: str) -> Callable[[Material, Path], Path]:
    """A job that was killed when its second shard was half done: one file of its folder."""

    def make(material: Material, folder: Path) -> Path:
        shards = folder / "embedded.npz.shards"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(material.embedder, "collect", once(material.embedder.collect))
            with pytest.raises(KeyboardInterrupt):
                embed_files(material.embedder, material.items, folder / "embedded.npz", shard=2)
        return shards / name

    return make


def once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, interrupted when it is called again."""
    calls = 0

    def interrupted(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise KeyboardInterrupt
        return function(*args, **options)

    return interrupted


def continued(material: Material, file: Path) -> None:
    embed_files(material.embedder, material.items, file.parent.with_suffix(""), shard=2)


def listed(suffix: str) -> Callable[[Material, Path], Path]:
    def make(material: Material, folder: Path) -> Path:
        rows = [
            {"split": split, "path": str(each.path), "pid": each.pid, "camid": each.camid}
            for split, records in material.people.splits.items()
            for each in records[:3]
        ]
        lines = [json.dumps(row) for row in rows]
        if suffix == ".csv":
            lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        (folder / f"dataset{suffix}").write_text("\n".join(lines) + "\n")
        return folder / f"dataset{suffix}"

    return make


def pairs(_: Material, folder: Path) -> Path:
    (folder / "pairs.csv").write_text(
        "first,second,answer,distance,weight,model_fingerprint\n"
        "a.jpg,b.jpg,same,0.25,1.5,abc\na.jpg,c.jpg,different,0.75,1.5,abc\n"
    )
    return folder / "pairs.csv"
