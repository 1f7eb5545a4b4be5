"""A network in 8-bit integers, by NNCF, for OpenVINO."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.data.augmentation import PIXEL_MEAN, PIXEL_STD, normalise
from scalereid.inference.export.graph import save_openvino, write_onnx
from scalereid.inference.metadata import About
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.progress import Progress


def require_nncf() -> None:
    """Say so when OpenVINO or NNCF is not installed.

    Raises:
        ModuleNotFoundError: the message says how to install it.
    """
    try:
        import nncf  # noqa: F401
        import openvino  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"integers take {error.name}, which is not installed: pip install 'scalereid[export,int8]'"
        ) from error


def write_integers(
    model: EmbeddingModel, about: About, pixels: NDArray[np.uint8], out: Path, progress: Progress
) -> None:
    """Write a model for OpenVINO, calibrated with RGB pixels (n, height, width, 3), gates and sums in floating point."""
    import nncf
    import openvino
    from openvino.preprocess import PrePostProcessor

    graph = out.with_suffix(".onnx")
    # Quantized with normalisation outside: inside, pixels themselves would be rounded.
    write_onnx(model, replace(about, input="float32 RGB (n, 3, height, width), normalised"), graph)
    images = [normalise(torch.from_numpy(pixels[i : i + 1])).contiguous().numpy() for i in range(len(pixels))]
    progress.say(f"calibrating with {len(images)} images …")
    nncf.set_log_level(40)  # errors
    quantized = nncf.quantize(
        openvino.Core().read_model(str(graph)),
        nncf.Dataset(images),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(images),
        ignored_scope=nncf.IgnoredScope(types=["Multiply", "Add"], validate=False),
    )
    steps = PrePostProcessor(quantized)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    scaled = [[255 * value for value in values] for values in (PIXEL_MEAN, PIXEL_STD)]
    steps.input().preprocess().convert_element_type(openvino.Type.f32).mean(scaled[0]).scale(scaled[1])
    openvino.save_model(steps.build(), str(out), compress_to_fp16=False)


def describe(file: Path, about: About) -> None:
    """Put `about` into a file's metadata, now that its accuracy is known."""
    import openvino

    described = file.with_stem(f"{file.stem}.described")
    save_openvino(openvino.Core().read_model(str(file)), about, described)
    for suffix in (".bin", ".xml"):
        described.with_suffix(suffix).replace(file.with_suffix(suffix))
