"""ONNX Runtime, on a CPU."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalereid.inference.metadata import ModelMetadata, Precision
from scalereid.inference.runtimes.threads import threads
from scalereid.inference.signature import Contents, Signature, TensorType


class OnnxRuntime:
    """A session with all threads for one batch at a time, and one with a single thread for concurrent calls."""

    name = "onnxruntime"

    def __init__(self, file: Path, precision: Precision = "float32") -> None:
        self.file, self.precision, self.workers = file, precision, threads()
        self.sessions: dict[int, Any] = {}  # by their number of threads
        self.loading = threading.Lock()
        self.free_workers = threading.Semaphore(self.workers)

    @classmethod
    def of_model(cls, _: object, graph: Callable[[], Path], precision: Precision, *__: object) -> "OnnxRuntime":
        """See `RuntimeClass`."""
        return cls(graph(), precision)

    @classmethod
    def of_file(cls, file: Path, _: ModelMetadata, precision: Precision) -> "OnnxRuntime":
        """See `RuntimeClass`."""
        return cls(file, precision)

    @classmethod
    def as_written(cls, file: Path) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
        """See `RuntimeClass`."""
        return cls(file)

    @staticmethod
    def inspect(file: Path) -> Contents:
        """See `RuntimeClass`."""
        session = open_session(file, threads=1)
        inputs, outputs = (
            [_tensor_type(each) for each in ends] for ends in (session.get_inputs(), session.get_outputs())
        )
        return Contents(session.get_modelmeta().custom_metadata_map, Signature(tuple(inputs), tuple(outputs)))

    def __call__(self, pixels: NDArray[Any], *, concurrent: bool = False) -> NDArray[np.float32]:
        """See `Runtime`."""
        if not concurrent:
            return self._run(pixels, threads=self.workers)
        with self.free_workers:
            return self._run(pixels, threads=1)

    def _run(self, pixels: NDArray[Any], threads: int) -> NDArray[np.float32]:
        with self.loading:
            if threads not in self.sessions:
                self.sessions[threads] = open_session(self.file, threads)
            session = self.sessions[threads]
        embeddings: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: pixels})[0]
        return embeddings


def open_session(file: Path, threads: int) -> Any:
    """A session of ONNX Runtime on the CPU, which may be run by several threads at the same time."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def _tensor_type(tensor: Any) -> TensorType:
    """An input or output as ONNX Runtime tells it: its type as in C++, sizes that are free by a name."""
    dtype = tensor.type.removeprefix("tensor(").removesuffix(")")
    sizes = tuple(size if isinstance(size, int) else None for size in tensor.shape)
    return TensorType({"float": "float32", "double": "float64"}.get(dtype, dtype), sizes)
