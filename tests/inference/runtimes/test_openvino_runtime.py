from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scalereid.inference.export.graph import cached_onnx
from scalereid.inference.kept import kept
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.runtimes import read_metadata
from scalereid.inference.runtimes.openvino_runtime import OpenVinoRuntime, save_network
from scalereid.inference.trained import describe_model
from scalereid.runs.checkpoint import load_checkpoint
from tests.inference.conftest import expected, pixels_of


@pytest.fixture(scope="module")
def metadata(run: Path) -> ModelMetadata:
    return describe_model(load_checkpoint(run), run)


@pytest.fixture
def graph(run: Path, metadata: ModelMetadata) -> Path:
    return cached_onnx(load_checkpoint(run), metadata)


def test_batches_one_by_one_and_at_once(
    run: Path, graph: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    runtime = OpenVinoRuntime(graph, "float32")
    assert runtime.workers == 3
    pixels, exact = pixels_of(paths), expected(run, paths)
    first = runtime(pixels[:3])
    before = first.copy()
    np.testing.assert_allclose(first, exact[:3], rtol=1e-3, atol=1e-4)
    with ThreadPoolExecutor(6) as pool:
        for i, rows in enumerate(pool.map(lambda i: runtime(pixels[i : i + 4], concurrent=True), range(12))):
            np.testing.assert_allclose(rows, exact[i : i + 4], rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(first, before)  # the memory of a request is not handed out
    assert set(runtime.graphs) == {(4, False), (4, True)}  # three images fill up a batch of four


def test_large_batches_are_split(run: Path, graph: Path, paths: list[Path]) -> None:
    runtime = OpenVinoRuntime(graph, "float32")
    found = runtime(pixels_of(paths)[:17])
    np.testing.assert_allclose(found, expected(run, paths)[:17], rtol=1e-3, atol=1e-4)
    assert {size for size, _ in runtime.graphs} == {16, 1}


def test_half_precision_is_asked_for(graph: Path, paths: list[Path]) -> None:
    """OpenVINO's own choice would depend on the processor."""
    pixels = pixels_of(paths)[:4]
    exact, half = (OpenVinoRuntime(graph, precision)(pixels) for precision in ("float32", "bfloat16"))
    cosines = (exact * half).sum(axis=1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(half, axis=1)
    assert cosines.min() > 0.98
    assert (exact != half).any()


def test_metadata_can_be_changed_afterwards(
    graph: Path, metadata: ModelMetadata, paths: list[Path], tmp_path: Path
) -> None:
    file = tmp_path / "model.xml"
    save_network(graph, metadata, file)
    changed = replace(metadata, accuracy="as good")
    save_network(file, changed, tmp_path / "changed.xml")
    assert (read_metadata(file), read_metadata(tmp_path / "changed.xml")) == (metadata, changed)
    pixels = pixels_of(paths)[:2]
    expected = OpenVinoRuntime(graph, "float32")(pixels)
    np.testing.assert_allclose(OpenVinoRuntime(tmp_path / "changed.xml", "float32")(pixels), expected, atol=1e-5)
    np.testing.assert_allclose(OpenVinoRuntime.as_written(file)(pixels), expected, atol=1e-4)


def test_a_file_of_other_origin(tmp_path: Path) -> None:
    import openvino
    from openvino import opset13 as ops

    given = ops.parameter([1, 4], np.float32)
    openvino.save_model(openvino.Model([ops.relu(given)], [given]), tmp_path / "relu.xml")
    with pytest.raises(ValueError, match=r"relu\.xml has no metadata of scalereid"):
        read_metadata(tmp_path / "relu.xml")


def test_a_graph_is_compiled_once_for_all_processes(
    graph: Path, paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later one gives the very same embeddings; of a damaged one nothing is used."""
    monkeypatch.setenv("SCALEREID_CACHE", str(tmp_path))
    pixels, compiled = pixels_of(paths)[:2], []

    def noting(question: str, answer: Callable[[], bytes]) -> bytes:
        def noted() -> bytes:
            compiled.append(question)
            return answer()

        return kept(question, noted)

    monkeypatch.setattr("scalereid.inference.runtimes.openvino_runtime.kept", noting)
    first = OpenVinoRuntime(graph, "float32")(pixels)
    np.testing.assert_array_equal(OpenVinoRuntime(graph, "float32")(pixels), first)
    assert len(compiled) == 1
    (file,) = (tmp_path / "runtimes").iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    np.testing.assert_array_equal(OpenVinoRuntime(graph, "float32")(pixels), first)
    assert len(compiled) == 2
    OpenVinoRuntime(graph, "bfloat16")(pixels)
    OpenVinoRuntime(graph, "float32")(pixels[:1])
    assert len({*compiled}) == 3  # each precision and number of images is a graph of its own
