"""An exported file is computed with NumPy, Pillow and its runtime alone."""

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from scalereid.inference.embedder import Embedder
from scalereid.inference.export.exporting import export
from scalereid.inference.export.graph import cached_onnx
from scalereid.inference.recognizer import AttributeRecognizer
from scalereid.inference.runtimes.openvino_runtime import save_network
from scalereid.inference.trained import describe_model
from scalereid.runs.checkpoint import load_checkpoint
from tests.inference.networks import write_onnx, write_openvino

REFUSE = """
import sys

class Refuse:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {"torch", "safetensors", "tyro", "rich", "filelock", "onnx", "onnxscript", "scipy"}:
            raise ModuleNotFoundError(f"{name} is refused")

sys.meta_path.insert(0, Refuse())
"""
ALONE = (
    REFUSE
    + """
import numpy
from PIL import Image
from scalereid import Embedder

file, out, pixels, *paths = sys.argv[1:]
with Embedder(file, flip=True, pixels=pixels or None) as embedder:
    files = embedder(paths)
    arrays = embedder([numpy.asarray(Image.open(path).convert("RGB")) for path in paths])
    boxes = embedder(paths[0], boxes=numpy.array([[0, 0, 10, 20]]))
numpy.savez(out, files=files, arrays=arrays, boxes=boxes)
"""
)
RECOGNISE = (
    REFUSE
    + """
import numpy
from scalereid import AttributeRecognizer

file, out, *paths = sys.argv[1:]
with AttributeRecognizer(file) as recognizer:
    numpy.savez(out, names=recognizer.names, likelihoods=recognizer(paths))
"""
)


@pytest.mark.parametrize("suffix", [".onnx", ".xml"])
def test_the_same_embeddings_without_torch(suffix: str, run: Path, paths: list[Path], tmp_path: Path) -> None:
    loaded = load_checkpoint(run)
    metadata = describe_model(loaded, run)
    file = cached_onnx(loaded, metadata)
    if suffix == ".xml":
        file, graph = tmp_path / "model.xml", file
        save_network(graph, metadata, file)
    out, names = tmp_path / "found.npz", [str(path) for path in paths[:20]]

    compare(file, names, out)


@pytest.mark.parametrize("write", [write_onnx, write_openvino])
def test_files_of_others(write: Callable[[Path], Path], paths: list[Path], tmp_path: Path) -> None:
    file = write(tmp_path / ("x.onnx" if write is write_onnx else "x.xml"))
    compare(file, [str(path) for path in paths[:3]], tmp_path / "found.npz", "torchreid")


def test_attributes(attribute_run: Path, paths: list[Path], tmp_path: Path) -> None:
    file, out, names = tmp_path / "model.onnx", tmp_path / "found.npz", [str(path) for path in paths[:3]]
    export(attribute_run, file)
    subprocess.run([sys.executable, "-c", RECOGNISE, str(file), str(out), *names], check=True)
    with AttributeRecognizer(file) as recognizer, np.load(out) as found:
        assert tuple(found["names"]) == recognizer.names == ("hat", "bag")
        np.testing.assert_array_equal(found["likelihoods"], recognizer(names))


def compare(file: Path, names: list[str], out: Path, pixels: str = "") -> None:
    """Embed images in a process without torch, and here."""
    subprocess.run([sys.executable, "-c", ALONE, str(file), str(out), pixels, *names], check=True)

    with Embedder(file, flip=True, pixels=pixels or None) as embedder, np.load(out) as found:
        exact = embedder(names)
        np.testing.assert_array_equal(found["files"], exact)
        np.testing.assert_array_equal(found["arrays"], embedder([*map(Path, names)]))
        np.testing.assert_array_equal(found["boxes"], embedder(names[0], boxes=np.array([[0, 0, 10, 20]])))


def test_what_needs_torch_says_so(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.packages.find_spec", lambda name: None if name == "torch" else find_spec(name))
    with pytest.raises(
        ModuleNotFoundError, match=r"torch, needed for runs and weights; an exported file .* does without"
    ):
        Embedder(run)
