"""A model in int8 for OpenVINO, quantized by NNCF."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scalereid.data.augmentation import normalise
from scalereid.data.normalisation import PIXEL_MEAN, PIXEL_STD
from scalereid.inference.export.graph import write_onnx
from scalereid.inference.metadata import NORMALISED, ModelMetadata
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.packages import import_openvino
from scalereid.progress import Progress
from scalereid.wording import counted


def write_int8(
    model: EmbeddingModel, metadata: ModelMetadata, pixels: NDArray[np.uint8], file: Path, progress: Progress
) -> None:
    """Write a quantized model, calibrated with RGB pixels (n, height, width, 3); gates and sums of streams stay floating point.

    Those cost most accuracy in int8 and save least time.
    """
    openvino = import_openvino()
    import nncf
    from openvino.preprocess import PrePostProcessor

    graph = file.with_suffix(".onnx")
    # Quantized with normalisation outside: inside, the pixels themselves would be rounded.
    write_onnx(model, replace(metadata, input=NORMALISED), graph)
    images = [normalise(torch.from_numpy(pixels[i : i + 1])).contiguous().numpy() for i in range(len(pixels))]
    progress.say(f"calibrating with {counted(len(images), 'image')} …")
    nncf.set_log_level(40)  # errors
    quantized = nncf.quantize(
        openvino.Core().read_model(str(graph)),
        nncf.Dataset(images),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(images),
        ignored_scope=nncf.IgnoredScope(types=["Multiply", "Add"], validate=False),
    )
    graph.unlink()
    steps = PrePostProcessor(quantized)
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    scaled = [[255 * value for value in values] for values in (PIXEL_MEAN, PIXEL_STD)]
    steps.input().preprocess().convert_element_type(openvino.Type.f32).mean(scaled[0]).scale(scaled[1])
    openvino.save_model(steps.build(), str(file), compress_to_fp16=False)
