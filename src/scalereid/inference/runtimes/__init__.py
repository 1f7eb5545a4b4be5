"""What computes embeddings: torch, ONNX Runtime, OpenVINO; one file each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from scalereid.inference.metadata import ModelMetadata, Precision
from scalereid.inference.signature import Contents, check_signature
from scalereid.packages import require

if TYPE_CHECKING:
    import torch

    from scalereid.models.embedding_model import EmbeddingModel


class Runtime(Protocol):
    """Pixels to embeddings."""

    @property
    def name(self) -> str:
        """Its key in `RUNTIMES`."""

    @property
    def precision(self) -> Precision:
        """Arithmetic precision."""

    @property
    def workers(self) -> int:
        """Recommended number of concurrent single-threaded calls: faster for many batches than all threads on one batch."""

    def __call__(self, pixels: NDArray[np.uint8], *, concurrent: bool = False) -> NDArray[np.float32]:
        """RGB (n, height, width, 3), n ≥ 1, to embeddings (n, d), not L2-normalised. May be called from several threads.

        Uses all threads, or a single one where it is one of several `concurrent` calls.
        """


class RuntimeClass(Protocol):
    """How a runtime is made of a model or a file."""

    def of_model(
        self, model: "EmbeddingModel", graph: Callable[[], Path], precision: Precision, device: "torch.device", /
    ) -> Runtime:
        """A runtime for a model: of its layers, or of `graph()`, an ONNX file of it that takes pixels."""

    def of_file(self, file: Path, metadata: ModelMetadata, precision: Precision, /) -> Runtime:
        """A runtime for an exported file that takes pixels. ValueError where it does not compute as `metadata` say."""

    def as_written(self, file: Path) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
        """What a file computes of the arrays that it takes, as any program would run it: to check it."""

    def inspect(self, file: Path) -> Contents:
        """What a file holds: the texts under `stored_layers.KEYS`, and its signature. Runs nothing in it."""


@dataclass(frozen=True, kw_only=True)
class RuntimeKind:
    """What a runtime can do, and where it is: it is imported when it is first used, as torch takes seconds."""

    name: str
    where: str
    """MODULE:CLASS in this package, a `RuntimeClass`."""
    package: str
    """The package that it imports."""
    extra: str
    """The extra of scalereid that installs the package; empty where it is installed anyway."""
    precisions: Mapping[str, tuple[Precision, ...]]
    """What it computes in, by the kind of device."""
    suffix: str
    """Suffix of the files that it computes."""
    formats: tuple[str, ...]
    """The formats of such files, by the names that `export` has for them."""
    files_hold_code: bool = False
    """Whether loading a file may run code that its writer put into it."""

    def load(self) -> RuntimeClass:
        """Import it."""
        module, _, name = self.where.partition(":")
        loaded: RuntimeClass = getattr(import_module(f"{__name__}.{module}"), name)
        return loaded


_KINDS = (
    RuntimeKind(
        name="torch",
        where="pytorch:PyTorchRuntime",
        package="torch",
        extra="",
        precisions={
            "cpu": ("float32", "bfloat16"),
            "cuda": ("float32", "bfloat16", "float16"),
            "mps": ("float32",),
        },
        suffix=".pt2",
        formats=("torch", "aotinductor"),
        files_hold_code=True,
    ),
    RuntimeKind(
        name="onnxruntime",
        where="onnx_runtime:OnnxRuntime",
        package="onnxruntime",
        extra="export",
        precisions={"cpu": ("float32",)},
        suffix=".onnx",
        formats=("onnx",),
    ),
    RuntimeKind(
        name="openvino",
        where="openvino_runtime:OpenVinoRuntime",
        package="openvino",
        extra="export",
        precisions={"cpu": ("float32", "bfloat16", "int8")},
        suffix=".xml",
        formats=("openvino",),
    ),
)
RUNTIMES = {kind.name: kind for kind in _KINDS}
FORMATS = {form: kind for kind in RUNTIMES.values() for form in kind.formats}

if TYPE_CHECKING:
    RuntimeName = str
    Format = str
else:  # the choices that a command line offers
    RuntimeName = Literal[tuple(RUNTIMES)]
    Format = Literal[tuple(FORMATS)]


def require_runtime(name: str, precision: Precision, device: str) -> RuntimeKind:
    """The runtime of that name, checked to be installed and to compute in `precision` on a kind of device.

    Raises:
        ValueError: There is no such runtime, or it does not compute so.
        ModuleNotFoundError: It is not installed; the message says how to install it.
    """
    if name not in RUNTIMES:
        raise ValueError(f"No such runtime: {name!r}. Choose from auto, {', '.join(RUNTIMES)}.")
    runtime = RUNTIMES[name]
    require(runtime.package, extra=runtime.extra)
    possible = runtime.precisions.get(device, ())
    if precision not in possible:
        if not possible:
            devices = " or ".join(runtime.precisions)
            raise ValueError(f"{name} does not compute on {device}; choose the device {devices}, or another runtime")
        raise ValueError(f"{name} does not compute in {precision} on {device}; it computes in {', '.join(possible)}")
    return runtime


def runtime_of_file(file: Path) -> RuntimeKind | None:
    """The runtime that computes an exported file, told by its suffix; None for any other file."""
    return next((runtime for runtime in RUNTIMES.values() if runtime.suffix == file.suffix), None)


def inspect_file(file: Path) -> Contents:
    """What an exported file holds: ONNX's (.onnx), OpenVINO's (.xml) or torch's (.pt2). Runs nothing in it.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is damaged, or of another kind.
        ModuleNotFoundError: The runtime that reads it is not installed.
    """
    runtime = runtime_of_file(file)
    if runtime is None:
        suffixes = ", ".join(other.suffix for other in RUNTIMES.values())
        raise ValueError(f"{file} is not an exported file; expected one of {suffixes}")
    if not file.is_file():
        raise FileNotFoundError(f"No such file: {file}")
    require(runtime.package, extra=runtime.extra)
    try:
        return runtime.load().inspect(file)
    except Exception as error:  # a protobuf that cannot be parsed, a damaged archive, missing weights, …
        reason = str(error).strip().rpartition("\n")[2].rpartition(" failed:")[2]  # without the runtime's own places
        raise ValueError(
            f"{file} cannot be read, it is damaged or cut off: {reason}; export the model again"
        ) from error


def read_metadata(file: Path, contents: Contents | None = None) -> ModelMetadata:
    """The metadata of an exported file of scalereid's; `contents` where it was inspected already.

    Raises:
        FileNotFoundError, ModuleNotFoundError: See `inspect_file`.
        ValueError: See there; or the file was not written by this version of scalereid, or its graph takes or gives something
            else than its metadata say.
    """
    contents = contents or inspect_file(file)
    if contents.metadata is None:
        raise ValueError(f"{file} has no metadata of scalereid, which exported files have; export the model")
    try:
        metadata = ModelMetadata.from_json(contents.metadata)
    except ValueError as error:
        raise ValueError(f"{file} cannot be read: {error}") from error
    if contents.signature:
        try:
            check_signature(contents.signature, metadata)
        except ValueError as error:
            raise ValueError(f"{file}: {error}; export the model again") from error
    return metadata
