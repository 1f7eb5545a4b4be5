"""A model as a file for other runtimes, kept only if it computes what the model does."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.checkpoint import Source, load_checkpoint
from scalereid.data.augmentation import normalise
from scalereid.inference.embedder import describe_model
from scalereid.inference.graph import About, write_onnx
from scalereid.models.embedding_model import EmbeddingModel

Format = Literal["onnx", "openvino"]
TOLERANCE = 1e-3
"""The largest difference between a file's embeddings and torch's that is put up with, as a share of the longest embedding."""


class Agreement(NamedTuple):
    """How a file's embeddings compare with the model's own in torch."""

    difference: float
    """The largest of any number, as a share of the longest embedding."""
    cosine: float
    """The smallest between two embeddings of one image."""


def export(
    source: Source,
    out: Path,
    *,
    format: Format = "onnx",
    normalisation: bool = True,
    images: NDArray[np.uint8] | None = None,
    run_code: bool = False,
) -> tuple[About, Agreement]:
    """Write a model, batch norms folded, with a free number of images and all that must be known in its metadata.

    The file is checked before it is kept: run by its own runtime on 1, 2 and 5 images.

    Args:
        source: see `load_model`.
        out: a `.onnx` file; or for OpenVINO a `.xml`, beside which lies a `.bin`.
        format: `onnx`, or `openvino`.
        normalisation: part of the graph, which then takes uint8 RGB (n, height, width, 3); else it takes normalised float32
            (n, 3, height, width).
        images: to check with, uint8 (n, height, width, 3); drawn at random unless given.
        run_code: see `load_model`.

    Raises:
        ValueError: the file's embeddings differ; or `out` has another suffix.
        FileExistsError: `out` exists.
        ModuleNotFoundError: a library is not installed; the message says how to install it.
    """
    suffix = {"onnx": ".onnx", "openvino": ".xml"}[format]
    if out.suffix != suffix:
        raise ValueError(f"{out}: {format} is written to a {suffix} file")
    if out.exists():
        raise FileExistsError(f"{out} exists; name another file, or move it away")
    loaded = load_checkpoint(source, run_code=run_code)
    about = describe_model(loaded, source)
    if not normalisation:
        about = replace(about, input="float32 RGB (n, 3, height, width), normalised")
    out.parent.mkdir(parents=True, exist_ok=True)
    graph = out.with_name(f".{out.stem}.partial.onnx")
    try:
        write_onnx(loaded.model, about, graph)
        agreement = _compare(loaded.model, about, graph, format, images)
        if not (agreement.difference <= TOLERANCE and agreement.cosine >= 1 - TOLERANCE):
            raise ValueError(
                f"the {format} file does not give this model's embeddings: they differ by up to {agreement.difference:.2g} of "
                f"the longest, the smallest cosine is {agreement.cosine:.6f}; it was not kept"
            )
        if format == "onnx":
            graph.replace(out)
        else:
            _save_openvino(graph, about, out)
    finally:
        graph.unlink(missing_ok=True)
    return about, agreement


def _compare(
    model: EmbeddingModel, about: About, graph: Path, format: Format, images: NDArray[np.uint8] | None
) -> Agreement:
    run = _runner(graph, format)
    height, width = about.image_size
    pixels = np.random.default_rng(0).integers(0, 256, (5, height, width, 3), np.uint8) if images is None else images
    differences, cosines = [], []
    for n in {1, min(2, len(pixels)), len(pixels)}:
        normal = normalise(torch.from_numpy(pixels[:n]))
        with torch.inference_mode():
            expected = model(normal).numpy()
        found = run(pixels[:n] if about.takes_pixels else normal.contiguous().numpy())
        lengths = np.linalg.norm(expected, axis=1)
        differences.append(np.abs(found - expected).max() / lengths.max())
        cosines.append(((found * expected).sum(axis=1) / lengths / np.linalg.norm(found, axis=1)).min())
    return Agreement(float(max(differences)), float(min(cosines)))


def _runner(graph: Path, format: Format) -> Any:
    try:
        if format == "onnx":
            import onnxruntime

            session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
            return lambda values: session.run(None, {session.get_inputs()[0].name: values})[0]
        import openvino
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"checking the file takes {error.name}, which is not installed: pip install 'scalereid[export]'"
        ) from error
    # Its own choice of precision would be bfloat16 where the processor has it.
    compiled = openvino.Core().compile_model(str(graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda values: compiled(values)[0]


def _save_openvino(graph: Path, about: About, out: Path) -> None:
    import openvino

    model = openvino.Core().read_model(str(graph))
    model.set_rt_info(json.dumps(asdict(about)), "scalereid")
    openvino.save_model(model, str(out), compress_to_fp16=False)
