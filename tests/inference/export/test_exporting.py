import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scalereid.data.augmentation import normalise
from scalereid.data.records import ReidDataset
from scalereid.inference.agreement import Agreement
from scalereid.inference.embedder import Embedder
from scalereid.inference.export import exporting as module
from scalereid.inference.export.exporting import export
from scalereid.inference.export.graph import write_onnx
from scalereid.inference.metadata import About, read_about
from scalereid.models.building import build_model
from scalereid.runs.checkpoint import load_model


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
    assert json.loads(about.recipe)["model"]["backbone"] == "osnet_one_stream"
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
    with pytest.raises(ValueError, match="exported files are computed on the CPU, not on 'cuda'"):
        Embedder(tmp_path / "model.onnx", device="cuda")
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


@pytest.mark.parametrize(("form", "n"), [("torch", 7), ("aotinductor", 3)])
def test_files_for_torch_alone(run: Path, people: ReidDataset, tmp_path: Path, form: Any, n: int) -> None:
    if form == "aotinductor" and not shutil.which("g++"):
        pytest.skip("there is no C++ compiler: compiled packages are NOT tested")
    file = tmp_path / "model.pt2"
    about, agreement = export(run, file, format=form)
    assert agreement.cosine > 0.99999
    assert {path.name for path in tmp_path.iterdir()} == {"model.pt2"}
    assert read_about(file) == about
    pixels = torch.randint(0, 256, (n, 64, 32, 3), dtype=torch.uint8)
    with torch.inference_mode():  # by torch's own functions
        program = torch.export.load(file).module() if form == "torch" else torch._inductor.aoti_load_package(str(file))
        torch.testing.assert_close(program(pixels), load_model(run)(normalise(pixels)), rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match=r"may hold any code.*: load it only if you trust whom it is from.*--run-code"):
        Embedder(file)
    embedder = Embedder(file, run_code=True)
    assert (embedder.runtime.name, embedder.runtime.precision) == ("torch", "float32")
    paths = [record.path for record in people.query]
    np.testing.assert_allclose(embedder(paths), Embedder(run, runtime="torch")(paths), atol=1e-5)
    with pytest.raises(ValueError, match="computes in float32, not in bfloat16"):
        Embedder(file, precision="bfloat16", run_code=True)


@pytest.mark.parametrize("name", ["osnet_ain_x0_25", "dslnet"])
def test_tensorrt_knows_every_operation(name: str, tmp_path: Path) -> None:
    """TensorRT is not here. What it takes of ONNX is published, and all that these graphs hold must be among that."""
    import onnx

    # Supported without a restriction that matters: github.com/onnx/onnx-tensorrt, docs/operators.md
    supported = {
        "Add",
        "AveragePool",
        "Cast",
        "Concat",
        "Conv",
        "Div",
        "Gemm",
        "InstanceNormalization",
        "MaxPool",
        "Mul",
    }
    supported |= {
        "ReduceMean",
        "Relu",
        "Reshape",
        "Sigmoid",
        "Slice",
        "Softmax",
        "Squeeze",
        "Sub",
        "Transpose",
        "Unsqueeze",
    }
    file = tmp_path / "model.onnx"
    model = build_model(name, width=0.25) if name == "dslnet" else build_model(name)
    write_onnx(model, About(name, "", (64, 32), 512), file)
    graph = onnx.load(str(file))
    onnx.checker.check_model(graph, full_check=True)
    assert {node.op_type for node in graph.graph.node} - supported == set()
    [given], [found] = graph.graph.input, graph.graph.output
    given_size, found_size = (
        [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim] for value in (given, found)
    )
    assert (given.name, given_size[1:], found_size[1:]) == ("images", [64, 32, 3], [512])  # as trtexec is told
    assert given_size[0] == found_size[0]
    assert isinstance(given_size[0], str)  # free


def test_a_file_that_differs_is_not_kept(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "compare", lambda *_: Agreement(0.2, 0.9))
    with pytest.raises(
        ValueError, match=r"differ by up to 0\.2 of the longest, the smallest cosine is 0\.900000; it was not kept"
    ):
        export(run, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "model.bin").touch()
    with pytest.raises(FileExistsError, match=r"model\.bin exists; name another file"):
        export(run, tmp_path / "model.xml", format="openvino")


def test_what_cannot_be_written_is_said(run: Path, tmp_path: Path) -> None:
    form: Any
    for name, form in (("m.xml", "onnx"), ("m.onnx", "openvino"), ("m.pt", "torch")):
        with pytest.raises(ValueError, match=f"{form} is written to a .*" + ("--format" if name != "m.pt" else "")):
            export(run, tmp_path / name, format=form)
    (tmp_path / "other.onnx").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"other\.onnx cannot be read"):
        read_about(tmp_path / "other.onnx")
    (tmp_path / "other.pt2").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"other\.pt2 cannot be read"):
        read_about(tmp_path / "other.pt2")
    torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.zeros(2),)), tmp_path / "strange.pt2")
    with pytest.raises(ValueError, match=r"strange\.pt2 does not say what it takes: it was not written by scalereid"):
        Embedder(tmp_path / "strange.pt2")
    with pytest.raises(ValueError, match="not written by scalereid"):
        About.from_json("{}")
