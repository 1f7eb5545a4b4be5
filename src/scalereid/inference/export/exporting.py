"""A model as a file for other runtimes, kept only if it computes what the model does."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.data.augmentation import normalise
from scalereid.inference.agreement import LEAST_COSINE, Agreement, Compute, compare
from scalereid.inference.export.graph import save_openvino, write_onnx
from scalereid.inference.metadata import About, describe_model
from scalereid.inference.runtimes import TorchRuntime
from scalereid.inference.runtimes.torch_program import ProgramRuntime, write_package, write_program
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.runs.checkpoint import Source, load_checkpoint

Format = Literal["onnx", "openvino", "torch", "aotinductor"]
SUFFIXES: dict[Format, str] = {"onnx": ".onnx", "openvino": ".xml", "torch": ".pt2", "aotinductor": ".pt2"}
TOLERANCE = 1e-3
"""The largest difference between a file's embeddings and torch's that is put up with, as a share of the longest embedding."""


def export(
    source: Source, out: Path, *, format: Format = "onnx", normalisation: bool = True, run_code: bool = False
) -> tuple[About, Agreement]:
    """Write a model, batch norms folded, with a free number of images and all that must be known in its metadata.

    The file is checked before it is kept: run by its own runtime on one, two and five drawn people.

    Args:
        source: see `load_model`.
        out: a `.onnx` file; for OpenVINO a `.xml`, beside which lies a `.bin`; a `.pt2` for the two of torch's.
        format: `onnx`; `openvino`; `torch`, a program that needs torch alone (`torch.export`); or `aotinductor`, the same
            compiled for processors like this one, which takes half a minute and a C++ compiler.
        normalisation: part of the graph, which then takes uint8 RGB (n, height, width, 3); else it takes normalised float32
            (n, 3, height, width).
        run_code: see `load_model`.

    Raises:
        ValueError: the file's embeddings differ; or `out` has another suffix.
        FileExistsError: `out` exists.
        ModuleNotFoundError: a library is not installed; the message says how to install it.
        RuntimeError: the model cannot be compiled here.
    """
    if out.suffix != SUFFIXES[format]:
        others = " or ".join(other for other, suffix in SUFFIXES.items() if suffix == out.suffix)
        hint = f"; --format {others} writes {out.suffix} files" if others else ""
        raise ValueError(f"{out}: {format} is written to a {SUFFIXES[format]} file{hint}")
    require_free(out)
    loaded = load_checkpoint(source, run_code=run_code)
    about = describe_model(loaded, source)
    if not normalisation:
        about = replace(about, input="float32 RGB (n, 3, height, width), normalised")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.stem}.partial{out.suffix}")
    try:
        _WRITE[format](loaded.model, about, partial)
        expected = TorchRuntime(loaded.model, "float32", torch.device("cpu"))
        agreement = compare(expected, _runner(partial, about), about.image_size)
        if not (agreement.difference <= TOLERANCE and agreement.cosine >= LEAST_COSINE):
            raise ValueError(
                f"the {format} file does not give this model's embeddings: they differ by up to {agreement.difference:.2g} of "
                f"the longest, the smallest cosine is {agreement.cosine:.6f}; it was not kept"
            )
        if format == "openvino":
            partial.with_suffix(".bin").replace(out.with_suffix(".bin"))
        partial.replace(out)
    finally:
        for file in (partial, partial.with_suffix(".bin")):
            file.unlink(missing_ok=True)
    return about, agreement


def require_free(out: Path) -> None:
    """Refuse a file that is there, or would bring along one that is.

    Raises:
        FileExistsError: it exists, or the `.bin` beside a `.xml` does.
    """
    for file in (out, out.with_suffix(".bin")) if out.suffix == ".xml" else (out,):
        if file.exists():
            raise FileExistsError(f"{file} exists; name another file, or move it away")


def _write_openvino(model: EmbeddingModel, about: About, file: Path) -> None:
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(_MISSING.format("openvino")) from error
    graph = file.with_suffix(".onnx")
    try:
        write_onnx(model, about, graph)
        save_openvino(openvino.Core().read_model(str(graph)), about, file)
    finally:
        graph.unlink(missing_ok=True)


_WRITE: dict[Format, Callable[[EmbeddingModel, About, Path], None]] = {
    "onnx": write_onnx,
    "openvino": _write_openvino,
    "torch": write_program,
    "aotinductor": write_package,
}
_MISSING = "writing and checking the file takes {}, which is not installed: pip install 'scalereid[export]'"


def _runner(file: Path, about: About) -> Compute:
    """What the file computes of pixels, by its own runtime and all at once."""
    run = _load(file)

    def compute(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        given = pixels if about.takes_pixels else normalise(torch.from_numpy(pixels)).contiguous().numpy()
        embeddings: NDArray[np.float32] = run(given)
        return embeddings

    return compute


def _load(file: Path) -> Any:
    if file.suffix == ".pt2":
        return ProgramRuntime(file)
    if file.suffix == ".xml":
        import openvino

        # Its own choice of precision would be bfloat16 where the processor has it.
        compiled = openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return lambda values: compiled(values)[0]
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(_MISSING.format("onnxruntime")) from error
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return lambda values: session.run(None, {session.get_inputs()[0].name: values})[0]
