import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scalereid.checkpoint import load_model
from scalereid.data.augmentation import normalise
from scalereid.data.records import ReidDataset
from scalereid.inference import export as module
from scalereid.inference.embedder import Embedder
from scalereid.inference.export import Agreement, export
from scalereid.inference.graph import About, read_about


@pytest.mark.parametrize("normalisation", [True, False])
def test_a_file_that_knows_what_it_is(run: Path, people: ReidDataset, tmp_path: Path, normalisation: bool) -> None:
    import onnxruntime

    about, agreement = export(run, tmp_path / "model.onnx", normalisation=normalisation)
    assert agreement.difference < 1e-4
    assert agreement.cosine > 0.99999
    assert read_about(tmp_path / "model.onnx") == about
    assert about.image_size == (64, 32)
    assert about.embedding_size == 32
    assert about.takes_pixels == normalisation
    assert about.training.startswith("people (")
    assert json.loads(about.recipe)["model"]["backbone"] == "osnet_x0_25"
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    model = load_model(run)
    for n in (1, 3, 11):
        pixels = np.random.default_rng(n).integers(0, 256, (n, 64, 32, 3), dtype=np.uint8)
        images = normalise(torch.from_numpy(pixels))
        given = pixels if normalisation else images.contiguous().numpy()
        with torch.inference_mode():
            np.testing.assert_allclose(session.run(None, {"images": given})[0], model(images), rtol=1e-3, atol=1e-4)
    with pytest.raises(FileExistsError, match="name another file"):
        export(run, tmp_path / "model.onnx")
    if not normalisation:
        with pytest.raises(ValueError, match="takes float32 .*: export it with normalisation inside"):
            Embedder(tmp_path / "model.onnx")
        return
    paths = [record.path for record in people.query]
    embedder = Embedder(tmp_path / "model.onnx")
    assert (embedder.runtime.name, embedder.about.fingerprint) == ("onnxruntime", about.fingerprint)
    np.testing.assert_allclose(embedder(paths), Embedder(run, runtime="torch")(paths), atol=1e-5)
    with pytest.raises(ValueError, match="is for onnxruntime, not for torch"):
        Embedder(tmp_path / "model.onnx", runtime="torch")


def test_openvino(run: Path, people: ReidDataset, tmp_path: Path) -> None:
    about, agreement = export(run, tmp_path / "new" / "model.xml", format="openvino")
    assert agreement.cosine > 0.99999
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"model.xml", "model.bin"}
    assert read_about(tmp_path / "new" / "model.xml") == about
    paths = [record.path for record in people.query]
    found = Embedder(tmp_path / "new" / "model.xml")(paths)
    np.testing.assert_allclose(found, Embedder(run, runtime="torch")(paths), atol=1e-5)


def test_a_file_that_differs_is_not_kept(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "write_onnx", lambda *arguments: arguments[2].write_bytes(b"x"))
    monkeypatch.setattr(module, "_compare", lambda *_: Agreement(0.2, 0.9))
    with pytest.raises(
        ValueError, match=r"differ by up to 0\.2 of the longest, the smallest cosine is 0\.900000; it was not kept"
    ):
        export(run, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_said(run: Path, tmp_path: Path) -> None:
    form: Any
    for name, form in (("m.xml", "onnx"), ("m.onnx", "openvino")):
        with pytest.raises(ValueError, match=f"{form} is written to a"):
            export(run, tmp_path / name, format=form)
    (tmp_path / "other.onnx").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"other\.onnx cannot be read"):
        read_about(tmp_path / "other.onnx")
    with pytest.raises(ValueError, match="not written by scalereid"):
        About.from_json("{}")
