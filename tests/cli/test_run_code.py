"""Code that travels with a model runs only with --run-code: every command × every place that a name can come from."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from scalereid.cli import main
from scalereid.cli.commands import COMMANDS
from scalereid.data.records import ReidDataset
from scalereid.inference.metadata import KEY, ModelMetadata
from scalereid.runs.trust import PLACES
from tests.cli.conftest import SMALL

CODE = """
from pathlib import Path
Path(__file__).with_suffix(".ran").touch()
from scalereid.data.readers.table import read_csv as read
from scalereid.models.osnet import *
def Net(*_, **__): raise ValueError("it was built")
"""

NEW = ["--model.initial-weights", "MODEL", "--data", "DATA", "--out", "OUT/x", *SMALL]
COMMANDS_WITH_A_MODEL = {
    "train": ["toy", *NEW],
    "nas": ["nas_toy", *NEW],
    "train --resume": ["MODEL"],
    "nas --resume": ["MODEL"],
    "evaluate": ["MODEL", "--data", "DATA"],
    "compare": ["MODEL", "MODEL", "--data", "DATA"],
    "calibrate": ["MODEL", "--data", "DATA", "--out", "OUT"],
    "label": ["MODEL", "DATA", "--out", "OUT/page.html"],
    "report": ["MODEL", "--data", "DATA", "--out", "OUT"],
    "look": ["MODEL", "--data", "DATA", "--out", "OUT/page.html"],
    "attributes": ["MODEL", "DATA"],
    "classify": ["MODEL", "DATA"],
    "search": ["MODEL", "DATA", "DATA"],
    "embed": ["MODEL", "DATA", "--out", "OUT/x.npz"],
    "export": ["MODEL", "--format", "torch", "--out", "OUT/x.pt2"],
    "quantize": ["MODEL", "--data", "OUT", "--dataset", "csv", "--out", "OUT/x.xml"],  # ends soon, for want of images
    "gallery create": ["OUT/x.gallery", "--model", "MODEL"],
    "gallery add": ["GALLERY", "DATA", "--model", "MODEL"],
    "gallery search": ["GALLERY", "DATA", "--model", "MODEL"],
    "gallery reembed": ["GALLERY", "--model", "MODEL"],
    "gallery settings": ["GALLERY", "--model", "MODEL"],
}
"""The words of each command that takes a model, after its name: a new command needs a line here."""
WITHOUT_A_MODEL = {
    "demo",
    "detect",
    "study",
    "models",
    "recipes",
    "datasets",
    "data check",
    "data unpack",
    "completion",
}
WITHOUT_A_MODEL |= {name for name in COMMANDS if name.startswith("gallery ")} - COMMANDS_WITH_A_MODEL.keys()
"""Commands that take none, or, as `gallery serve`, open it as `gallery search` does; of a study the user writes the code and
gives its file."""


def test_every_command_is_here() -> None:
    assert {name.partition(" --")[0] for name in COMMANDS_WITH_A_MODEL} | WITHOUT_A_MODEL == COMMANDS.keys()


def received(run: Path, folder: Path, *settings: str) -> tuple[Path, Path]:
    """A run as somebody sent it, whose recipe names code in these places, and the file of that code."""
    there, file = Path(shutil.copytree(run, folder / "received")), folder / "evil.py"
    file.write_text(CODE)
    recipe = json.loads((there / "recipe.json").read_text())
    for setting in settings:
        group, _, name = setting.partition(".")
        value = f"{file}:{'read' if group in ('data', 'evaluation') and name != 'augmentation' else 'Net'}"
        recipe[group][name] = [value] if name == "also" else value
        if group == "mutual":
            recipe[group]["weight"] = 1.0  # or there is no peer
    (there / "recipe.json").write_text(json.dumps(recipe))
    for weights in (there / "last.safetensors", there / "best.safetensors"):
        with safe_open(weights, "pt") as opened:
            metadata = opened.metadata()
        save_file(load_file(weights), weights, metadata | {"recipe": json.dumps(recipe)})
    return there, file


@pytest.mark.parametrize(("settings", "model"), [(PLACES[:1], "last.safetensors"), (PLACES[1:], ".")])
@pytest.mark.parametrize("command", COMMANDS_WITH_A_MODEL)
def test_no_file_runs_unasked(
    command: str, settings: tuple[str, ...], model: str, runs: Path, people: ReidDataset, tmp_path: Path
) -> None:
    run, file = received(runs / "short", tmp_path, *settings)
    (tmp_path / "out").mkdir()
    given = run if "--resume" in command else run / model
    placed = {"MODEL": str(given), "DATA": str(people.root), "OUT": str(tmp_path / "out")}
    words = COMMANDS_WITH_A_MODEL[command]
    if "GALLERY" in words:
        placed["GALLERY"] = str(tmp_path / "people.gallery")
        main(["gallery", "create", placed["GALLERY"], "--model", str(runs / "short")])
    for name, place in placed.items():
        words = [word.replace(name, place) for word in words]
    try:
        main([*command.split(), *words])
    except SystemExit as ended:
        assert ended.code == 1, "words that are not understood would prove nothing"
    assert not file.with_suffix(".ran").exists()


@pytest.mark.parametrize(
    ("command", "setting"),
    [("evaluate", "model.backbone"), ("evaluate", "data.dataset"), *(("train --resume", place) for place in PLACES)],
)
def test_what_is_trusted_runs(command: str, setting: str, runs: Path, people: ReidDataset, tmp_path: Path) -> None:
    """So that the test before can fail."""
    run, file = received(runs / "short", tmp_path, setting)
    words = ["--schedule.epochs", "1"] if command == "train --resume" else ["--data", str(people.root)]
    try:
        main([*command.split(), str(run), *words, "--run-code"])
    except SystemExit as ended:
        assert ended.code == 1
    assert file.with_suffix(".ran").exists()


def test_the_message_names_the_flag(runs: Path, people: ReidDataset, tmp_path: Path, fail: Callable[..., str]) -> None:
    run, file = received(runs / "short", tmp_path, "data.dataset")
    said = fail("evaluate", run, "--data", people.root)
    assert f"(received) is {file}:read, and using it runs that file; if you trust it" in said
    assert "--run-code" in said
    said = fail("train", "--resume", run)
    assert f"the dataset of {run} is {file}:read" in said


def test_an_exported_file_brings_no_dataset(people: ReidDataset, tmp_path: Path) -> None:
    """Its metadata hold the recipe, too."""
    onnx = pytest.importorskip("onnx")
    (tmp_path / "evil.py").write_text(CODE)
    recipe = json.dumps({"data": {"dataset": f"{tmp_path / 'evil.py'}:read"}})
    numbers = onnx.TensorProto
    nodes = [
        onnx.helper.make_node("Cast", ["images"], ["pixels"], to=numbers.FLOAT),
        onnx.helper.make_node("ReduceMean", ["pixels", "axes"], ["embeddings"], keepdims=0),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "mean",
        [onnx.helper.make_tensor_value_info("images", numbers.UINT8, ["batch", 64, 32, 3])],
        [onnx.helper.make_tensor_value_info("embeddings", numbers.FLOAT, ["batch", 3])],
        [onnx.helper.make_tensor("axes", numbers.INT64, [2], [1, 2])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
    metadata = ModelMetadata("mean (mean.onnx)", "0123456789ab", (64, 32), 3, recipe=recipe)
    onnx.helper.set_model_props(model, {KEY: metadata.to_json()})
    onnx.save(model, tmp_path / "x.onnx")
    with pytest.raises(SystemExit):
        main(["evaluate", str(tmp_path / "x.onnx"), "--data", str(people.root)])
    assert not (tmp_path / "evil.ran").exists()
    main(["evaluate", str(tmp_path / "x.onnx"), "--data", str(people.root), "--run-code"])
    assert (tmp_path / "evil.ran").exists()
