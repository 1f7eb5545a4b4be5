"""A model as one graph, from pixels to embeddings: torch's own, and ONNX."""

import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from scalereid.data.augmentation import PIXEL_MEAN, PIXEL_STD
from scalereid.inference.metadata import KEY, About
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.fusing import folded

OPSET = 20
VERSION = 1
"""Of what graphs compute; another one makes cached graphs of no use."""
INPUT, OUTPUT = "images", "embeddings"


class PixelModel(nn.Module):
    """A model that takes pixels: RGB uint8 (n, height, width, 3) to embeddings (n, d), normalisation inside."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: EmbeddingModel) -> None:
        super().__init__()
        self.model = folded(model)
        self.register_buffer("mean", 255 * torch.tensor(PIXEL_MEAN))
        self.register_buffer("std", 255 * torch.tensor(PIXEL_STD))

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeddings, not normalised."""
        # Contiguous: of channels-last maps the exporter would write pooling as gathering by index.
        return self.model(((pixels.float() - self.mean) / self.std).permute(0, 3, 1, 2).contiguous())


def traced(model: EmbeddingModel, about: About) -> torch.export.ExportedProgram:
    """A model as torch's own graph, for any number of images: of pixels or of normalised images, as `about` says."""
    network = PixelModel(model) if about.takes_pixels else folded(model)
    height, width = about.image_size
    # Two images: with one, the exporter would take the batch size for a constant.
    example = (
        torch.zeros(2, height, width, 3, dtype=torch.uint8) if about.takes_pixels else torch.zeros(2, 3, height, width)
    )
    free = ({0: torch.export.Dim("n", min=1, max=65_536)},)
    return torch.export.export(network, (example,), dynamic_shapes=free)


def write_onnx(model: EmbeddingModel, about: About, file: Path) -> None:
    """Write a model as ONNX with a free batch size, and `about` in the file's metadata.

    Raises:
        ModuleNotFoundError: onnx and onnxscript are not installed; the message says how to install them.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"writing ONNX takes {error.name}, which is not installed: pip install 'scalereid[export]'"
        ) from error
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # the exporter warns of its own parts, and of torchvision, which is not needed
            program = torch.onnx.export(
                traced(model, about),
                dynamo=True,
                verbose=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
            )
    finally:
        log.setLevel(level)
    if program is None:
        raise RuntimeError("torch.onnx.export gave nothing")
    program.model.metadata_props[KEY] = about.to_json()
    with tempfile.TemporaryDirectory(
        prefix=".graph-", dir=file.parent
    ) as folder:  # others may be writing the same file
        partial = Path(folder) / file.name
        program.save(str(partial), external_data=False)
        partial.replace(file)


def save_openvino(network: Any, about: About, file: Path) -> None:
    """Write an OpenVINO network, in float32 where it is, with `about` in the file's metadata."""
    import openvino

    network.set_rt_info(about.to_json(), KEY)
    openvino.save_model(network, str(file), compress_to_fp16=False)
