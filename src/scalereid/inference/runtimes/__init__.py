"""What computes embeddings: torch, ONNX Runtime, OpenVINO, behind one face."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scalereid.data.augmentation import normalise
from scalereid.inference.export.graph import INPUT
from scalereid.inference.metadata import Precision
from scalereid.models.cuda_graphs import Recordings
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.fusing import folded
from scalereid.models.merging import merged

RuntimeName = Literal["torch", "onnxruntime", "openvino"]
PRECISIONS: dict[RuntimeName, dict[str, tuple[Precision, ...]]] = {
    "torch": {"cpu": ("float32", "bfloat16"), "cuda": ("float32", "bfloat16", "float16")},
    "onnxruntime": {"cpu": ("float32",)},
    "openvino": {"cpu": ("float32", "bfloat16", "int8")},
}
"""What each runtime computes in, by the kind of device."""

_SIZES = (1, 2, 4, 8, 16)  # of batches that OpenVINO's graphs are made for


class Runtime(Protocol):
    """Pixels to embeddings."""

    name: RuntimeName
    precision: Precision
    lanes: int
    """Calls worth making at once: many batches are done sooner by a thread each than one after the other by all threads."""

    def __call__(self, pixels: NDArray[np.uint8], *, lane: bool = False) -> NDArray[np.float32]:
        """RGB (n, height, width, 3), n ≥ 1, to embeddings (n, d), not normalised. May be called from several threads.

        All threads work on it, unless it is one of several calls at once, each in a `lane` of its own.
        """


class TorchRuntime:
    """The model itself, batch norms folded, channels last; on a GPU recorded, with its streams merged where that is faster."""

    name: RuntimeName = "torch"
    lanes = 1

    def __init__(self, model: EmbeddingModel, precision: Precision, device: torch.device) -> None:
        self.precision, self.device = precision, device
        dtype: torch.dtype = getattr(torch, precision)
        network = folded(model)
        self.compute = _on_pixels(network, device, dtype)
        if device.type == "cuda" and not model.backbone.asks_host:
            variant = merged(network)
            functions = [self.compute] if variant is None else [self.compute, _on_pixels(variant, device, dtype)]
            self.compute = Recordings(functions)

    @torch.inference_mode()
    def __call__(self, pixels: NDArray[np.uint8], *, lane: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 - one lane
        """See `Runtime`."""
        embeddings: NDArray[np.float32] = self.compute(torch.from_numpy(pixels).to(self.device)).cpu().numpy()
        return embeddings


class OnnxRuntime:
    """ONNX Runtime on a CPU."""

    name: RuntimeName = "onnxruntime"
    precision: Precision = "float32"

    def __init__(self, file: Path, threads: int) -> None:
        self.file, self.lanes = file, threads
        self.sessions: dict[int, Any] = {}  # by their number of threads
        self.loading = threading.Lock()
        self.free_lanes = threading.Semaphore(threads)

    def __call__(self, pixels: NDArray[np.uint8], *, lane: bool = False) -> NDArray[np.float32]:
        """See `Runtime`."""
        if not lane:
            return self._run(pixels, threads=self.lanes)
        with self.free_lanes:
            return self._run(pixels, threads=1)

    def _run(self, pixels: NDArray[np.uint8], threads: int) -> NDArray[np.float32]:
        with self.loading:
            if threads not in self.sessions:
                self.sessions[threads] = self._load(threads)
        embeddings: NDArray[np.float32] = self.sessions[threads].run(None, {INPUT: pixels})[0]
        return embeddings

    def _load(self, threads: int) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        return onnxruntime.InferenceSession(str(self.file), options, providers=["CPUExecutionProvider"])


class OpenVinoRuntime:
    """OpenVINO on a CPU. Its own choice of precision would be bfloat16 where the processor has it: here it is told.

    A graph for a known number of images is nearly twice as fast as one for any number. So there is one for each of a few
    sizes, made when it is first needed, and a batch is filled up to the next. What is not in integers in an int8 file is
    computed in bfloat16.
    """

    name: RuntimeName = "openvino"

    def __init__(self, file: Path, precision: Precision, threads: int) -> None:
        self.file, self.precision, self.lanes = file, precision, threads
        self.graphs: dict[tuple[int, bool], Any] = {}
        self.idle: dict[tuple[int, bool], list[Any]] = {}  # requests that nobody is using: one may not be shared
        self.compiling = threading.Lock()

    def __call__(self, pixels: NDArray[np.uint8], *, lane: bool = False) -> NDArray[np.float32]:
        """See `Runtime`."""
        largest = _SIZES[-1]
        parts = [pixels[i : i + largest] for i in range(0, len(pixels), largest)]
        return np.concatenate([self._part(part, lane and self.lanes > 1) for part in parts])

    def _part(self, pixels: NDArray[np.uint8], lane: bool) -> NDArray[np.float32]:
        size = next(size for size in _SIZES if size >= len(pixels))
        filled = np.zeros((size, *pixels.shape[1:]), np.uint8)
        filled[: len(pixels)] = pixels
        with self.compiling:
            if (size, lane) not in self.graphs:
                self.graphs[size, lane], self.idle[size, lane] = self._compile(filled.shape, lane), []
        idle = self.idle[size, lane]
        try:
            request = idle.pop()
        except IndexError:
            request = self.graphs[size, lane].create_infer_request()
        found = request.infer({0: filled}, share_inputs=True)[0]
        embeddings = np.array(
            found[: len(pixels)], dtype=np.float32
        )  # a copy: the next call overwrites the request's own
        idle.append(request)
        return embeddings

    def _compile(self, shape: tuple[int, ...], lane: bool) -> Any:
        import openvino

        core = openvino.Core()
        model = core.read_model(str(self.file))
        model.reshape(list(shape))
        config = {
            "INFERENCE_PRECISION_HINT": "f32" if self.precision == "float32" else "bf16",
            "INFERENCE_NUM_THREADS": self.lanes,
            "NUM_STREAMS": self.lanes if lane else 1,
        }
        return core.compile_model(model, "CPU", config)


def installed(name: RuntimeName) -> bool:
    """Whether a runtime is there."""
    return find_spec(name) is not None


def _on_pixels(network: nn.Module, device: torch.device, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    placed: Any = network.to(device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]

    exact = device.type == "cuda" and dtype == torch.float32

    def compute(pixels: Tensor) -> Tensor:
        with _without_tf32() if exact else nullcontext():
            embeddings: Tensor = placed(normalise(pixels).to(dtype)).float()
        return embeddings

    return compute


_SETTING = threading.Lock()


@contextmanager
def _without_tf32() -> Iterator[None]:
    """Not in TF32, in which a GPU computes float32 convolutions otherwise: 10 bits of 23. The setting is the process's."""
    with _SETTING:
        allowed = torch.backends.cudnn.allow_tf32
        torch.backends.cudnn.allow_tf32 = False
        try:
            yield
        finally:
            torch.backends.cudnn.allow_tf32 = allowed
