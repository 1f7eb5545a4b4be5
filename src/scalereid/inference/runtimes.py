"""What computes embeddings: torch, ONNX Runtime, OpenVINO, behind one face."""

import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.data.augmentation import normalise
from scalereid.inference.folding import folded
from scalereid.inference.graph import INPUT
from scalereid.models.embedding_model import EmbeddingModel

RuntimeName = Literal["torch", "onnxruntime", "openvino"]
Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: dict[RuntimeName, dict[str, tuple[Precision, ...]]] = {
    "torch": {"cpu": ("float32", "bfloat16"), "cuda": ("float32", "bfloat16", "float16")},
    "onnxruntime": {"cpu": ("float32",)},
    "openvino": {"cpu": ("float32", "bfloat16")},
}
"""What each runtime computes in, by the kind of device."""


_SIZES = (1, 2, 4, 8, 16)  # of batches that OpenVINO's graphs are made for


class Runtime(Protocol):
    """Pixels to embeddings."""

    name: RuntimeName
    precision: Precision

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """RGB (n, height, width, 3), n ≥ 1, to embeddings (n, d), not normalised. May be called from several threads."""


class TorchRuntime:
    """The model itself, batch norms folded, channels last."""

    name: RuntimeName = "torch"

    def __init__(self, model: EmbeddingModel, precision: Precision, device: torch.device) -> None:
        self.precision, self.device, self.dtype = precision, device, getattr(torch, precision)
        network: Any = folded(model)
        self.network = network.to(device, self.dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Runtime`."""
        images = normalise(torch.from_numpy(pixels).to(self.device)).to(self.dtype)
        embeddings: NDArray[np.float32] = self.network(images).float().cpu().numpy()
        return embeddings


class OnnxRuntime:
    """ONNX Runtime on a CPU."""

    name: RuntimeName = "onnxruntime"
    precision: Precision = "float32"

    def __init__(self, file: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Runtime`."""
        embeddings: NDArray[np.float32] = self.session.run(None, {INPUT: pixels})[0]
        return embeddings


class OpenVinoRuntime:
    """OpenVINO on a CPU. Its own choice of precision would be bfloat16 where the processor has it: here it is told.

    A graph for a known number of images is nearly twice as fast as one for any number. So there is one for each of a few
    sizes, made when it is first needed, and a batch is filled up to the next.
    """

    name: RuntimeName = "openvino"

    def __init__(self, file: Path, precision: Precision, threads: int) -> None:
        self.file, self.precision = file, precision
        hints = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
        self.config = {"INFERENCE_PRECISION_HINT": hints[precision], "INFERENCE_NUM_THREADS": threads}
        self.compiled: dict[int, Any] = {}
        self.compiling = threading.Lock()
        self.local = threading.local()  # a request may not be shared

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See `Runtime`."""
        largest = _SIZES[-1]
        return np.concatenate([self._part(pixels[i : i + largest]) for i in range(0, len(pixels), largest)])

    def _part(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        size = next(size for size in _SIZES if size >= len(pixels))
        filled = np.zeros((size, *pixels.shape[1:]), np.uint8)
        filled[: len(pixels)] = pixels
        found = self._request(size, pixels.shape[1:]).infer({0: filled}, share_inputs=True)[0]
        return np.array(found[: len(pixels)], dtype=np.float32)  # a copy: the next call overwrites the request's own

    def _request(self, size: int, shape: tuple[int, ...]) -> Any:
        requests = self.local.__dict__.setdefault("requests", {})
        if size not in requests:
            with self.compiling:
                if size not in self.compiled:
                    import openvino

                    core = openvino.Core()
                    model = core.read_model(str(self.file))
                    model.reshape([size, *shape])
                    self.compiled[size] = core.compile_model(model, "CPU", self.config)
            requests[size] = self.compiled[size].create_infer_request()
        return requests[size]


def installed(name: RuntimeName) -> bool:
    """Whether a runtime, and what writes its graphs, is there."""
    return name == "torch" or all(find_spec(module) for module in (name, "onnx", "onnxscript"))


def agree(
    one: Callable[..., NDArray[np.float32]], other: Callable[..., NDArray[np.float32]], size: tuple[int, int]
) -> float:
    """The smallest cosine between two runtimes' embeddings of the same images, drawn at random."""
    pixels = np.random.default_rng(0).integers(0, 256, (3, *size, 3), dtype=np.uint8)
    pixels[1] //= 4  # a dark one
    pixels[2] = pixels[2].mean(axis=(0, 1)).astype(np.uint8)  # one of one colour
    a, b = one(pixels).astype(np.float64), other(pixels).astype(np.float64)
    cosines = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1).clip(1e-12) / np.linalg.norm(b, axis=1).clip(1e-12)
    return float(cosines.min())
