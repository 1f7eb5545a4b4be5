import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import save_file

from scalereid.data.records import ReidDataset
from scalereid.experiments.evaluation import evaluate
from scalereid.experiments.training import resume
from scalereid.inference.embedder import Embedder
from scalereid.inference.opening import RuntimeOptions, is_exported, open_model
from scalereid.inference.runtimes.pytorch_program import write_program
from scalereid.inference.trained import describe_model
from scalereid.models.building import build_model
from scalereid.models.fingerprint import fingerprint
from scalereid.runs.checkpoint import load_checkpoint, load_model, read_safetensors, save_model
from scalereid.runs.facts import TrainedFacts
from scalereid.runs.recipe import DataSettings, ModelSettings, Recipe
from tests.inference.conftest import OWN_BACKBONE, expected, pixels_of, unit

TORCH = RuntimeOptions(runtime="torch")


@pytest.fixture(scope="module")
def program(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported file: torch's own, which is written soonest."""
    file = tmp_path_factory.mktemp("program") / "model.pt2"
    loaded = load_checkpoint(run)
    write_program(loaded.model, describe_model(loaded, run), file)
    return file


def test_a_run(run: Path, paths: list[Path]) -> None:
    model = open_model(run, TORCH)
    assert (model.runtime.name, model.runtime.precision, model.runtime.workers, model.batch_size) == (
        "torch",
        "float32",
        1,
        8,
    )
    np.testing.assert_allclose(model.runtime(pixels_of(paths)), expected(run, paths), rtol=1e-3, atol=1e-4)
    assert model.report is not None
    assert "osnet_one_stream" in str(model.report)
    assert model.recipe is not None
    assert model.recipe.model.backbone == "osnet_one_stream"
    assert model.trained_on == "toy"
    assert model.metadata.epoch == 1


def test_an_exported_file_says_the_same_of_itself(run: Path, program: Path, paths: list[Path]) -> None:
    own, exported = open_model(run, TORCH), open_model(program, RuntimeOptions(run_code=True, batch_size=3))
    assert exported.metadata == own.metadata
    assert (exported.recipe, exported.trained_on, exported.report) == (own.recipe, "toy", None)
    assert (exported.runtime.name, exported.batch_size) == ("torch", 3)
    pixels = pixels_of(paths)
    np.testing.assert_allclose(exported.runtime(pixels), own.runtime(pixels), rtol=1e-3, atol=1e-4)


def test_torchreids_weights_have_no_history(released_state: Any) -> None:
    model = open_model(released_state("osnet_x0_25"), TORCH)
    assert (model.recipe, model.trained_on, model.metadata.epoch) == (None, "", None)
    assert model.metadata.image_size == (256, 128)


def test_another_image_size(run: Path, program: Path) -> None:
    model = open_model(run, TORCH, image_size=(96, 48))
    assert model.metadata.image_size == (96, 48)
    assert model.metadata.fingerprint == fingerprint(load_model(run), (96, 48))
    assert open_model(run, TORCH, image_size=(64, 32)).metadata == open_model(run, TORCH).metadata
    with pytest.raises(ValueError, match="image_size is 15×32"):
        open_model(run, TORCH, image_size=(15, 32))
    trusted = RuntimeOptions(run_code=True)
    assert open_model(program, trusted, image_size=(64, 32)).metadata.image_size == (64, 32)
    with pytest.raises(ValueError, match=r"model\.pt2 takes images of 64×32, not of 96×48"):
        open_model(program, trusted, image_size=(96, 48))


def test_no_code_of_a_file_runs_unasked(program: Path) -> None:
    for options in (RuntimeOptions(), TORCH, RuntimeOptions(precision="float32")):
        with pytest.raises(
            ValueError, match=r"may hold any code.*; load it only if you trust its source, with run_code=True"
        ):
            open_model(program, options)


def test_code_of_a_run_does_not_run_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backbone in a file of one's own: the gate is that of `load_model`."""
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(OWN_BACKBONE + "\n\nimport os\nos.environ['RAN'] = 'yes'\n")
    recipe = Recipe(
        data=DataSettings(image_size=(64, 32)), model=ModelSettings(backbone="net.py:MyNet", embedding_size=8)
    )
    save_model(Path("x.safetensors"), build_model("net.py:MyNet", embedding_size=8), recipe, TrainedFacts())
    monkeypatch.delenv("RAN")
    with pytest.raises(ValueError, match="run_code=True"):
        open_model("x.safetensors", TORCH)
    assert "RAN" not in os.environ
    opened = open_model("x.safetensors", RuntimeOptions(runtime="torch", run_code=True))
    assert os.environ["RAN"] == "yes"
    assert opened.runtime(np.zeros((1, 64, 32, 3), np.uint8)).shape == (1, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device": "cuda"}, r"model\.pt2 is computed on the CPU, not on 'cuda'; give the run or the weights for that"),
        ({"runtime": "openvino"}, r"model\.pt2 is for torch, not for openvino"),
        ({"precision": "bfloat16"}, r"model\.pt2 computes in float32, not in bfloat16"),
        ({"precision": "int8"}, r"model\.pt2 is in float32, not in int8; leave precision out"),
        ({"precision": "float16"}, "torch does not compute in float16 on cpu"),
        (
            {"pixels": "torchreid"},
            r"model\.pt2 was written by scalereid, and says itself how its pixels go in; leave pixels",
        ),
    ],
)
def test_exported_files_compute_as_they_were_written(program: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_model(program, RuntimeOptions(run_code=True, **change))


def test_what_is_exported_is_told_by_its_suffix(run: Path) -> None:
    assert [is_exported(name) for name in ("m.onnx", Path("m.xml"), "m.pt2")] == [True] * 3
    others: list[Any] = [run, "m.safetensors", "m.pth", {}]
    assert [is_exported(source) for source in others] == [False] * 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"precision": "fp16"}, "No such precision: 'fp16'. Choose from float32, bfloat16, float16, int8"),
        ({"batch_size": 0}, "batch_size is 0; expected a whole number from 1 to 1,000,000"),
    ],
)
def test_options_that_make_no_sense(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RuntimeOptions(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"runtime": "tensorrt"}, "No such runtime: 'tensorrt'. Choose from auto, torch, onnxruntime, openvino"),
        ({"precision": "float16", "device": "cpu"}, "No installed runtime computes in float16 on cpu"),
        ({"precision": "int8"}, r"no int8 model at .*int8\.xml"),
        ({"device": "tpu"}, "tpu"),
    ],
)
def test_what_is_not_available_is_said(run: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_model(run, RuntimeOptions(**change))


def test_nothing_of_that_name(tmp_path: Path) -> None:
    for name in ("x", "x.pth", "x.onnx", "x.xml", "x.pt2"):
        with pytest.raises(FileNotFoundError, match=name):
            open_model(tmp_path / name, RuntimeOptions())


def of_another_version(run: Path, folder: Path) -> Path:
    """A copy of a run whose recipe names a term, an augmentation and settings that are unknown here."""
    shutil.copytree(run, folder)
    values = json.loads((folder / "recipe.json").read_text())
    values["data"] |= {"dataset": "made-up", "augmentation": "lost.py:Rain", "fog": 0.5}
    values["objective"] |= {"term": "lost.py:Loss", "circle": 1.0}
    values["optimizer"]["name"] = "lion"
    values["distillation"] = {"teacher": "large"}
    (folder / "recipe.json").write_text(json.dumps(values))
    tensors, metadata = read_safetensors(folder / "last.safetensors")
    save_file(tensors, folder / "last.safetensors", metadata | {"recipe": json.dumps(values)})
    return folder


def test_a_model_is_used_whatever_trained_it(run: Path, tmp_path: Path, people: ReidDataset, paths: list[Path]) -> None:
    """A run, its weights alone and an exported file; only training it further needs to know the rest."""
    other = of_another_version(run, tmp_path / "other")
    loaded = load_checkpoint(other)
    write_program(loaded.model, describe_model(loaded, other), tmp_path / "model.pt2")
    weights = shutil.copy(other / "last.safetensors", tmp_path / "x.safetensors")
    for source in (other, weights, tmp_path / "model.pt2"):
        with Embedder(source, runtime="torch", run_code=True) as embed:
            np.testing.assert_allclose(embed(paths), unit(expected(run, paths)), atol=1e-4)
        runtime = RuntimeOptions(runtime="torch", run_code=True)
        scored = evaluate(source, data=people.root, dataset="csv", runtime=runtime)
        assert scored.scores.mAP == pytest.approx(evaluate(run, data=people.root, runtime=TORCH).scores.mAP, abs=1e-3)
        with pytest.raises(ValueError, match="No such name: 'made-up'"):
            evaluate(source, data=people.root, runtime=runtime)
    with pytest.raises(
        ValueError,
        match=r"recipe\.json: recipe has no distillation.*can use the model, but not train it further",
    ):
        resume(other, run_code=True)
