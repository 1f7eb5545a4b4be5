import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from scalereid.inference.export.graph import cached_onnx
from scalereid.inference.runtimes import read_metadata
from scalereid.inference.runtimes.onnx_runtime import OnnxRuntime
from scalereid.inference.trained import describe_model
from scalereid.runs.checkpoint import load_checkpoint
from tests.inference.conftest import expected, pixels_of


@pytest.fixture
def runtime(run: Path, monkeypatch: pytest.MonkeyPatch) -> OnnxRuntime:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    loaded = load_checkpoint(run)
    return OnnxRuntime(cached_onnx(loaded, describe_model(loaded, run)))


def test_batches_one_by_one_and_at_once(runtime: OnnxRuntime, run: Path, paths: list[Path]) -> None:
    pixels, exact = pixels_of(paths), expected(run, paths)
    assert runtime.workers == 3
    np.testing.assert_allclose(runtime(pixels), exact, rtol=1e-3, atol=1e-4)
    with ThreadPoolExecutor(6) as pool:  # more than it has workers
        for i, rows in enumerate(pool.map(lambda i: runtime(pixels[i : i + 5], concurrent=True), range(12))):
            np.testing.assert_allclose(rows, exact[i : i + 5], rtol=1e-3, atol=1e-4)
    assert {
        threads: session.get_session_options().intra_op_num_threads for threads, session in runtime.sessions.items()
    } == {
        3: 3,
        1: 1,
    }


def test_no_more_calls_at_once_than_workers(runtime: OnnxRuntime) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    class Counting:
        def get_inputs(self) -> list[SimpleNamespace]:
            return [SimpleNamespace(name="images")]

        def run(self, *_: object) -> list[np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
            nonlocal at_once, most
            with lock:
                at_once += 1
                most = max(most, at_once)
            threading.Event().wait(0.01)
            with lock:
                at_once -= 1
            return [np.zeros((1, 32), np.float32)]

    runtime.sessions[1] = Counting()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: runtime(np.zeros((1, 64, 32, 3), np.uint8), concurrent=True), range(24)))
    assert most == 3


def test_a_file_of_other_origin(tmp_path: Path) -> None:
    import onnx

    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    other = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "relu", [value], [other])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, tmp_path / "relu.onnx")
    with pytest.raises(ValueError, match=r"relu\.onnx has no metadata of scalereid"):
        read_metadata(tmp_path / "relu.onnx")
    onnx.helper.set_model_props(model, {"scalereid": '{"model": "x", "arithmetic": "float32"}'})
    onnx.save(model, tmp_path / "relu.onnx")
    with pytest.raises(
        ValueError, match=r"relu\.onnx cannot be read: damaged, or exported by another version of scalereid"
    ):
        read_metadata(tmp_path / "relu.onnx")
