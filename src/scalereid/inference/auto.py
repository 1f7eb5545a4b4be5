"""Which runtime computes a model's embeddings: the one that is asked for, or the fastest that agrees with torch."""

import warnings
from pathlib import Path

import numpy as np
import torch

from scalereid.inference.agreement import LEAST_COSINE, compare
from scalereid.inference.export.graph import cached_onnx
from scalereid.inference.measuring import measure
from scalereid.inference.metadata import ModelMetadata, Precision
from scalereid.inference.runtimes import RUNTIMES, Runtime, read_metadata, require_runtime
from scalereid.inference.runtimes.pytorch import PyTorchRuntime
from scalereid.packages import installed
from scalereid.runs.checkpoint import LoadedModel

_LEAST_COSINE = {"float32": LEAST_COSINE, "bfloat16": 0.98, "float16": 0.98}
"""To torch's embeddings, below which a runtime is not used. Half precision costs untrained models more than others."""
AS_FAST = 1.1
"""int8 is used if it is faster than bfloat16, which is nearer to float32, by more than this factor."""


class Candidates:
    """The runtimes of one model on one device, each checked against torch in float32 before it is used."""

    def __init__(self, loaded: LoadedModel, metadata: ModelMetadata, device: torch.device) -> None:
        self.loaded, self.metadata, self.device = loaded, metadata, device
        self.reference = PyTorchRuntime(loaded.model, "float32", torch.device("cpu"))

    def _graph(self) -> Path:
        """The model as an ONNX file."""
        return cached_onnx(self.loaded, self.metadata)

    def named(self, name: str, precision: Precision) -> Runtime:
        """The runtime of that name.

        Raises:
            ValueError: There is no such runtime, it does not compute in this precision, or it does not agree with torch.
            ModuleNotFoundError: It is not installed; the message says how to install it.
        """
        runtime = require_runtime(name, precision, self.device.type)
        if (name, precision, self.device.type) == ("torch", "float32", "cpu"):
            return self.reference
        made = runtime.load().of_model(self.loaded.model, self._graph, precision, self.device)
        cosine, least = compare(self.reference, made, self.metadata.image_size).cosine, _LEAST_COSINE[precision]
        if not cosine >= least:
            raise ValueError(
                f"{name} in {precision} does not give this model's embeddings: their cosine to torch's is {cosine:.5f}, "
                f"expected at least {least}"
            )
        return made

    def fastest(self, precision: Precision, batch_size: int) -> Runtime:
        """The fastest of the installed runtimes that agree with torch, for many batches of this size.

        Raises:
            ValueError: No installed runtime computes in this precision on this device.
        """
        kind = self.device.type
        names = [
            name
            for name, runtime in RUNTIMES.items()
            if installed(runtime.package) and precision in runtime.precisions.get(kind, ())
        ]
        if not names:
            raise ValueError(f"No installed runtime computes in {precision} on {kind}")
        runtimes: list[Runtime] = []
        for name in names:
            try:
                runtimes.append(self.named(name, precision))
            except Exception as error:  # it cannot be traced, the cache cannot be written, embeddings differ, …
                if name == names[-1] and not runtimes:
                    raise
                warnings.warn(f"{name} is not used: {str(error).partition(chr(10))[0]}", stacklevel=4)
        if len(runtimes) == 1:
            return runtimes[0]
        return runtimes[int(np.argmin(measure(runtimes, self.metadata.image_size, batch_size)))]

    def quantized(self, name: str, file: Path | None, batch_size: int) -> Runtime:
        """The int8 model that `quantize` wrote to `file`, or for `auto` OpenVINO in bfloat16 where that is as fast.

        Raises:
            ValueError: The file does not exist, or is not of this model; or the runtime does not compute in int8.
            ModuleNotFoundError: OpenVINO is not installed; the message says how to install it.
        """
        runtime = require_runtime("openvino" if name == "auto" else name, "int8", self.device.type).load()
        if file is None or not file.is_file():
            missing = "the model is not a run, so it has no int8 model" if file is None else f"no int8 model at {file}"
            raise ValueError(f"{missing}; quantize it, and give the file that this writes, or the run")
        metadata, again = read_metadata(file), "remove it and quantize the model again"
        if metadata.fingerprint != self.metadata.fingerprint:
            raise ValueError(f"{file} is of other weights or another image size; {again}")
        if metadata.precision != "int8":
            raise ValueError(f"{file} is in {metadata.precision}, not in int8; {again}")
        quantized = runtime.of_file(file, metadata, "int8")
        if name != "auto":
            return quantized
        half = self.named("openvino", "bfloat16")
        seconds = measure([quantized, half], self.metadata.image_size, batch_size)
        return quantized if AS_FAST * seconds[0] < seconds[1] else half
