from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn

from scalereid.data.augmentation import normalise
from scalereid.experiments.classifying import classify
from scalereid.inference.embedder import Embedder
from scalereid.inference.export.exporting import WRITERS, export, require_free_pair, write_pair
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.recognizer import AttributeRecognizer
from scalereid.inference.runtimes import FORMATS, Format, read_metadata
from scalereid.inference.runtimes.onnx_runtime import OnnxRuntime
from scalereid.runs.checkpoint import load_model, save_model
from scalereid.runs.facts import TrainedFacts
from scalereid.runs.wiring import build_recipe_model
from tests.conftest import TINY
from tests.inference.conftest import expected, unit


def test_a_file_that_knows_what_it_is(run: Path, paths: list[Path], tmp_path: Path) -> None:
    import onnxruntime

    metadata, agreement, _ = export(run, tmp_path / "model.onnx")
    assert agreement.difference < 1e-4
    assert agreement.cosine > 0.99999
    assert read_metadata(tmp_path / "model.onnx") == metadata
    assert (metadata.image_size, metadata.embedding_size, metadata.takes_pixels) == ((64, 32), 32, True)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    model = load_model(run)
    for n in (1, 3, 11):
        pixels = np.random.default_rng(n).integers(0, 256, (n, 64, 32, 3), dtype=np.uint8)
        with torch.inference_mode():
            exact = model(normalise(torch.from_numpy(pixels)))
        np.testing.assert_allclose(session.run(None, {"images": pixels})[0], exact, rtol=1e-3, atol=1e-4)
    with pytest.raises(FileExistsError, match="choose another name"):
        export(run, tmp_path / "model.onnx")
    with pytest.raises(
        ValueError, match=r"model\.onnx is an exported file, .*; to export, give the run or the weights"
    ):
        export(tmp_path / "model.onnx", tmp_path / "model.xml", format="openvino")
    embedder = Embedder(tmp_path / "model.onnx")
    assert (embedder.runtime.name, embedder.metadata.fingerprint) == ("onnxruntime", metadata.fingerprint)
    np.testing.assert_allclose(embedder(paths), unit(expected(run, paths)), atol=1e-5)


def test_normalised_images_in_place_of_pixels(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.pt2"
    metadata, agreement, _ = export(run, file, format="torch", normalisation=False)
    assert agreement.cosine > 0.99999
    assert not metadata.takes_pixels
    assert read_metadata(file) == metadata
    images = torch.randn(3, 3, 64, 32)
    with torch.inference_mode():
        exact = load_model(run)(images)
        torch.testing.assert_close(torch.export.load(file).module()(images), exact, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="takes float32 RGB .*; export the model with normalisation inside"):
        Embedder(file, run_code=True)


def test_openvino(run: Path, paths: list[Path], tmp_path: Path) -> None:
    metadata, agreement, _ = export(run, tmp_path / "new" / "model.xml", format="openvino")
    assert agreement.cosine > 0.99999
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"model.xml", "model.bin"}
    assert read_metadata(tmp_path / "new" / "model.xml") == metadata
    np.testing.assert_allclose(Embedder(tmp_path / "new" / "model.xml")(paths), unit(expected(run, paths)), atol=1e-5)


slow = partial(pytest.param, marks=pytest.mark.slow)


@pytest.fixture(scope="module")
def with_gem_and_bnneck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a small network whose exponent is learned, and whose norm has statistics."""
    recipe = replace(TINY, model=replace(TINY.model, pooling="gem", neck="bnneck"))
    model = build_recipe_model(recipe.model)
    with torch.no_grad():
        cast(nn.Parameter, model.pooling.power).fill_(3.7)
        for _ in range(5):
            model(torch.randn(8, 3, 64, 32))
    file = tmp_path_factory.mktemp("gem") / "weights.safetensors"
    save_model(file, model, recipe, TrainedFacts())
    return file


@pytest.mark.parametrize(("format", "suffix"), [("onnx", "onnx"), slow("openvino", "xml"), slow("torch", "pt2")])
def test_generalised_mean_and_bnneck(with_gem_and_bnneck: Path, tmp_path: Path, format: Format, suffix: str) -> None:
    file = tmp_path / f"model.{suffix}"
    _, agreement, _ = export(with_gem_and_bnneck, file, format=format)
    assert agreement.cosine > 0.99999
    pixels = np.random.default_rng(3).integers(0, 256, (3, 64, 32, 3), dtype=np.uint8)
    model = load_model(with_gem_and_bnneck)
    assert float(model.state_dict()["pooling.power"]) == pytest.approx(3.7)
    with torch.inference_mode():
        exact = model(normalise(torch.from_numpy(pixels)))
    assert (exact < 0).any()
    found = FORMATS[format].load().as_written(file)(pixels)
    np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("format", "suffix"), [("onnx", "onnx"), ("openvino", "xml"), ("torch", "pt2")])
def test_attributes_and_classes_go_along(
    attribute_run: Path, class_run: Path, paths: list[Path], tmp_path: Path, format: Format, suffix: str
) -> None:
    files = [tmp_path / f"{name}.{suffix}" for name in ("attributes", "classes")]
    exported = [export(run, file, format=format) for run, file in zip((attribute_run, class_run), files, strict=True)]
    assert [[bool(layer) for layer in each.layers] for each in exported] == [[True, False], [False, True]]
    trusted, torch_alone = RuntimeOptions(run_code=suffix == "pt2"), RuntimeOptions(runtime="torch")
    with (
        AttributeRecognizer(files[0], options=trusted) as recognizer,
        AttributeRecognizer(attribute_run, options=torch_alone) as other,
    ):
        assert recognizer.names == other.names == ("hat", "bag")
        np.testing.assert_allclose(recognizer(paths[:5]), other(paths[:5]), atol=1e-5)
    found, expected = classify(files[1], paths[:5], runtime=trusted), classify(class_run, paths[:5])
    assert found.classes == expected.classes == ("blue", "green", "red")
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)
    with pytest.raises(ValueError, match="has learned no attributes; give a run or weights trained with"):
        AttributeRecognizer(files[1], options=trusted)
    with pytest.raises(ValueError, match="is no classifier; give a run or weights trained on"):
        classify(files[0], paths[:1], runtime=trusted)


def computes_something_else(file: Path) -> Any:
    assert file.read_bytes() == b"x"
    return lambda pixels: np.ones((len(pixels), 32), np.float32)


def test_a_file_that_differs_is_not_kept(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WRITERS, "onnx", lambda *arguments: arguments[2].write_bytes(b"x"))
    monkeypatch.setattr(OnnxRuntime, "as_written", computes_something_else)
    with pytest.raises(
        ValueError, match=r"differ by up to \d.* of the longest, the smallest cosine is 0\.\d{6}; it was not kept"
    ):
        export(run, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_said(run: Path, tmp_path: Path) -> None:
    form: Any
    for name, form, hint in (
        ("m.xml", "onnx", "; format openvino writes"),
        ("m.onnx", "openvino", "; format onnx writes"),
        ("m.pt", "torch", "$"),
    ):
        with pytest.raises(ValueError, match=f"{form} is written to a .* file{hint}"):
            export(run, tmp_path / name, format=form)
    with pytest.raises(ValueError, match="No such format: 'tflite'. Choose from torch, aotinductor, onnx, openvino"):
        export(run, tmp_path / "m.tflite", format="tflite")
    (tmp_path / "model.bin").touch()
    with pytest.raises(FileExistsError, match=r"model\.bin exists; choose another name"):
        export(run, tmp_path / "model.xml", format="openvino")
    assert [path.name for path in tmp_path.iterdir()] == ["model.bin"]


def test_two_files_are_put_in_place_together(tmp_path: Path) -> None:
    def save(file: Path) -> str:
        assert not (tmp_path / "new" / "m.xml").exists()
        file.write_text("network")
        file.with_suffix(".bin").write_text("weights")
        file.with_suffix(".onnx").write_text("in between")
        return "saved"

    assert write_pair(tmp_path / "new" / "m.xml", save) == "saved"
    assert {path.name: path.read_text() for path in (tmp_path / "new").iterdir()} == {
        "m.xml": "network",
        "m.bin": "weights",
    }
    require_free_pair(tmp_path / "new" / "m.onnx")
    with pytest.raises(FileExistsError, match=r"m\.xml exists"):
        require_free_pair(tmp_path / "new" / "m.xml")

    def fail(file: Path) -> None:
        file.write_text("half")
        raise RuntimeError("no room")

    with pytest.raises(RuntimeError, match="no room"):
        write_pair(tmp_path / "other.xml", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
