"""Which runtime computes a model's embeddings: the one that is asked for, or the fastest that agrees with torch."""

import json
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid import processor
from scalereid.files import sha256
from scalereid.inference.agreement import LEAST_COSINE, compare
from scalereid.inference.export.graph import cached_onnx, graph_file
from scalereid.inference.kept import kept
from scalereid.inference.measuring import fastest, measure
from scalereid.inference.metadata import ModelMetadata, Precision
from scalereid.inference.runtimes import RUNTIMES, Runtime, read_metadata, require_runtime
from scalereid.inference.runtimes.pytorch import PyTorchRuntime
from scalereid.inference.runtimes.threads import threads
from scalereid.packages import installed, version_of
from scalereid.runs.checkpoint import LoadedModel

_LEAST_COSINE = {"float32": LEAST_COSINE, "bfloat16": 0.98, "float16": 0.98}
"""To torch's embeddings, below which a runtime is not used. Half precision costs untrained models more than others."""
AS_FAST = 1.1
"""int8 is used if it is faster than bfloat16, which is nearer to float32, by more than this factor."""


class Candidates:
    """The runtimes of one model on one device, each checked against torch in float32 before it is used."""

    def __init__(self, loaded: LoadedModel, metadata: ModelMetadata, device: torch.device) -> None:
        self.loaded, self.metadata, self.device = loaded, metadata, device
        self._expected: dict[int, NDArray[np.float32]] = {}  # of drawn people, by their number

    @cached_property
    def reference(self) -> PyTorchRuntime:
        """What the others are compared with."""
        return PyTorchRuntime(self.loaded.model, "float32", torch.device("cpu"))

    def named(self, name: str, precision: Precision) -> Runtime:
        """The runtime of that name, compared with torch when it is first asked for.

        Raises:
            ValueError: There is no such runtime, it does not compute in this precision, or it does not agree with torch.
            ModuleNotFoundError: It is not installed; the message says how to install it.
        """
        runtime = require_runtime(name, precision, self.device.type)
        if (name, precision, self.device.type) == ("torch", "float32", "cpu"):
            return self.reference
        made = runtime.load().of_model(self.loaded.model, self._graph, precision, self.device)
        cosine = float(kept(self._question("cosine", name, precision), lambda: str(self._cosine(made)).encode()))
        if not cosine >= (least := _LEAST_COSINE[precision]):
            raise ValueError(
                f"{name} in {precision} does not give this model's embeddings: their cosine to torch's is {cosine:.5f}, "
                f"expected at least {least}"
            )
        return made

    def fastest(self, precision: Precision, batch_size: int) -> Runtime:
        """The fastest of the installed runtimes that agree with torch, for many batches of this size.

        Measured when it is first asked for.

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
        made: dict[str, Runtime] = {}

        def choose() -> bytes:
            made.update(self._that_agree(names, precision))
            size = self.metadata.image_size
            return [*made][fastest([*made.values()], size, batch_size) if len(made) > 1 else 0].encode()

        chosen = kept(self._question("fastest", names, precision, batch_size), choose).decode()
        return made.get(chosen) or self.named(chosen, precision)

    def _that_agree(self, names: Sequence[str], precision: Precision) -> dict[str, Runtime]:
        """Those of the runtimes that can compute the model as torch does; a warning for each other one."""
        made: dict[str, Runtime] = {}
        for name in names:
            try:
                made[name] = self.named(name, precision)
            except Exception as error:  # it cannot be traced, the cache cannot be written, embeddings differ, …
                if name == names[-1] and not made:
                    raise
                warnings.warn(f"{name} is not used: {str(error).partition(chr(10))[0]}", stacklevel=6)
        return made

    def _graph(self) -> Path:
        """The model as an ONNX file."""
        return cached_onnx(self.loaded, self.metadata)

    def _cosine(self, made: Runtime) -> float:
        """Smallest cosine between a runtime's embeddings and torch's."""

        def expected(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            if len(pixels) not in self._expected:
                self._expected[len(pixels)] = self.reference(pixels)
            return self._expected[len(pixels)]

        def found(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
            return made(pixels, concurrent=len(pixels) > 1)  # as many images will be computed

        return compare(expected, found, self.metadata.image_size).cosine

    def _question(self, *what: object) -> str:
        """A question about this model here, with all that the answer depends on: weights, code, versions and processor."""
        versions = {kind.package: version_of(kind.package) for kind in RUNTIMES.values()}
        device = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        graph = graph_file(self.loaded, self.metadata).name
        return json.dumps([graph, versions, processor.fingerprint(), threads(), device, *what])

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

        def choose() -> bytes:
            seconds = measure([quantized, half], self.metadata.image_size, batch_size)
            return b"int8" if AS_FAST * seconds[0] < seconds[1] else b"bfloat16"

        return quantized if kept(self._question("int8", sha256(file), batch_size), choose) == b"int8" else half
