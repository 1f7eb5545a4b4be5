"""A model as a file for other programs, kept only if it computes what the model does."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.data.augmentation import normalise
from scalereid.files import require_new_file, temporary_folder, write
from scalereid.inference.agreement import LEAST_COSINE, Agreement, compare
from scalereid.inference.export.graph import write_onnx
from scalereid.inference.metadata import NORMALISED, ModelMetadata
from scalereid.inference.opening import require_trained
from scalereid.inference.runtimes import FORMATS, Format
from scalereid.inference.runtimes.openvino_runtime import save_network
from scalereid.inference.runtimes.pytorch import PyTorchRuntime
from scalereid.inference.runtimes.pytorch_program import write_package, write_program
from scalereid.inference.stored_layers import Layers
from scalereid.inference.trained import describe_model
from scalereid.locks import locked
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.packages import require
from scalereid.runs.checkpoint import Source, load_checkpoint

T = TypeVar("T")


def _write_openvino(model: EmbeddingModel, metadata: ModelMetadata, file: Path, layers: Layers) -> None:
    graph = file.with_suffix(".onnx")
    write_onnx(model, metadata, graph)
    save_network(graph, metadata, file, layers)
    graph.unlink()


WRITERS = {"torch": write_program, "aotinductor": write_package, "onnx": write_onnx, "openvino": _write_openvino}
"""Functions that write a model, its metadata and its layers to a file, by the name of the format."""
TOLERANCE = 1e-3
"""Largest difference between a file's embeddings and torch's, as a share of the longest embedding."""


class Exported(NamedTuple):
    """What is in a file."""

    metadata: ModelMetadata
    agreement: Agreement
    """How its embeddings agree with torch's."""
    layers: Layers
    """Of attributes or of classes."""


def export(
    source: Source, out: Path, *, format: Format = "onnx", normalisation: bool = True, run_code: bool = False
) -> Exported:
    """Write a model, batch norms fused, for any number of images, with its metadata inside.

    A layer of attributes or of classes that it has learned is inside as well, beside the graph, which gives embeddings.

    The file is checked before it is kept: run by its own runtime on one and on five drawn people.

    Args:
        source: See `load_model`.
        out: A `.onnx` file; for OpenVINO a `.xml`, beside which lies a `.bin`; a `.pt2` for torch's two formats.
        format: `onnx`; `openvino`; `torch`, a program that needs torch alone (`torch.export`); or `aotinductor`, the same
            compiled for processors like this one, which takes half a minute and a C++ compiler.
        normalisation: Whether it is part of the graph, which then takes uint8 RGB (n, height, width, 3); otherwise it takes
            normalised float32 (n, 3, height, width).
        run_code: See `load_model`.

    Raises:
        ValueError: There is no such format, `out` has another suffix, `source` is an exported file itself, or the file's
            embeddings differ.
        OSError: `out` exists, cannot be written, or another process is writing it.
        ModuleNotFoundError: A package is not installed; the message says how to install it.
        RuntimeError: The model cannot be compiled on this machine.
    """
    if format not in FORMATS:
        raise ValueError(f"No such format: {format!r}. Choose from {', '.join(FORMATS)}.")
    kind = FORMATS[format]
    if out.suffix != kind.suffix:
        others = " or ".join(other for other, its in FORMATS.items() if its.suffix == out.suffix)
        hint = f"; format {others} writes {out.suffix} files" if others else ""
        raise ValueError(f"{out}: {format} is written to a {kind.suffix} file{hint}")
    require_trained(source, "export")
    with locked(out):
        require_free_pair(out)
        require(kind.package, extra=kind.extra)
        loaded = load_checkpoint(source, run_code=run_code)
        metadata = describe_model(loaded, source)
        if not normalisation:
            metadata = replace(metadata, input=NORMALISED)

        layers = Layers(loaded.attributes, loaded.classes)

        def save(file: Path) -> Agreement:
            WRITERS[format](loaded.model, metadata, file, layers)
            expected = PyTorchRuntime(loaded.model, "float32", torch.device("cpu"))
            agreement = compare(expected, _of_pixels(kind.load().as_written(file), metadata), metadata.image_size)
            if not (agreement.difference <= TOLERANCE and agreement.cosine >= LEAST_COSINE):
                raise ValueError(
                    f"the {format} file does not give this model's embeddings: they differ by up to "
                    f"{agreement.difference:.2g} of the longest, the smallest cosine is {agreement.cosine:.6f}; it was not kept"
                )
            return agreement

        return Exported(metadata, write_pair(out, save), layers)


def require_free_pair(out: Path) -> None:
    """Refuse to write where a file, or the `.bin` beside a `.xml`, exists.

    Raises:
        OSError: One of them exists, or cannot be written.
    """
    for file in (out, out.with_suffix(".bin")) if out.suffix == ".xml" else (out,):
        require_new_file(file)


def write_pair(out: Path, save: Callable[[Path], T]) -> T:
    """Let `save` write a file into a temporary folder, and the `.bin` of a `.xml`; then put both in place, the `.bin` first."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(out.with_suffix("")) as folder:
        saved = save(folder / out.name)
        for suffix in (".bin", out.suffix):
            file = folder / out.with_suffix(suffix).name
            if file.exists():
                write(out.with_suffix(suffix), file.replace)
    return saved


def _of_pixels(
    compute: Callable[[NDArray[Any]], NDArray[np.float32]], metadata: ModelMetadata
) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """A file's function, given pixels whatever the file takes."""
    if metadata.takes_pixels:
        return compute
    return lambda pixels: compute(normalise(torch.from_numpy(pixels)).contiguous().numpy())
