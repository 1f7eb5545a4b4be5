"""A model as one graph, from pixels to embeddings, for runtimes other than torch: ONNX, with all that must be known inside."""

import json
import logging
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from scalereid.data.augmentation import PIXEL_MEAN, PIXEL_STD
from scalereid.data.images import ImageSize
from scalereid.inference.folding import folded
from scalereid.models.embedding_model import EmbeddingModel

_KEY = "scalereid"
OPSET = 20
INPUT, OUTPUT = "images", "embeddings"


@dataclass(frozen=True)
class About:
    """What a deployed model is and what it takes."""

    model: str
    """Backbone, and where the weights came from."""
    fingerprint: str
    """Of weights and image size: embeddings of two models can be compared when theirs are equal."""
    image_size: ImageSize
    """(height, width) that images are resized to, by Pillow's antialiased bilinear filter."""
    embedding_size: int
    input: str = "uint8 RGB (n, height, width, 3)"
    """Or `float32 RGB (n, 3, height, width), normalised`, where normalisation is not part of the graph."""
    arithmetic: str = "float32"
    """Or `int8`."""
    mean: tuple[float, ...] = PIXEL_MEAN
    std: tuple[float, ...] = PIXEL_STD
    training: str = ""
    """The training dataset and its fingerprint, as far as known."""
    recipe: str = ""
    """The recipe as JSON; empty for released weights."""

    @classmethod
    def from_json(cls, text: str) -> "About":
        """What `json.dumps(asdict(about))` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            for key in ("image_size", "mean", "std"):
                values[key] = tuple(values[key])
            return cls(**values)
        except (TypeError, ValueError, KeyError) as error:
            raise ValueError(f"not written by scalereid: {error}") from error

    @property
    def takes_pixels(self) -> bool:
        """Whether normalisation is part of the graph."""
        return self.input.startswith("uint8")


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
        return self.model(((pixels.float() - self.mean) / self.std).permute(0, 3, 1, 2))


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
    network = PixelModel(model) if about.takes_pixels else folded(model)
    height, width = about.image_size
    # Two images: with one, the exporter would take the batch size for a constant.
    example = (
        torch.zeros(2, height, width, 3, dtype=torch.uint8) if about.takes_pixels else torch.zeros(2, 3, height, width)
    )
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own parts, and of torchvision, which is not needed
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("n", min=1, max=65_536)},),
        )
    log.setLevel(level)
    if program is None:
        raise RuntimeError("torch.onnx.export gave nothing")
    program.model.metadata_props[_KEY] = json.dumps(asdict(about))
    partial = file.with_suffix(".partial")
    program.save(str(partial), external_data=False)
    partial.replace(file)


def read_about(file: Path) -> About:
    """What the metadata of an exported file say, ONNX's (.onnx) or OpenVINO's (.xml).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file was not written by scalereid, or is damaged.
    """
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    try:
        if file.suffix == ".xml":
            import openvino

            model = openvino.Core().read_model(str(file))
            if not model.has_rt_info(["scalereid"]):
                raise KeyError("scalereid")
            return About.from_json(model.get_rt_info(["scalereid"]).value)
        import onnx

        metadata = {entry.key: entry.value for entry in onnx.load(str(file), load_external_data=False).metadata_props}
        return About.from_json(metadata[_KEY])
    except KeyError:
        raise ValueError(f"{file} does not say what it takes: it was not written by scalereid export") from None
    except Exception as error:  # a protobuf that cannot be parsed, or other metadata
        raise ValueError(f"{file} cannot be read: {error}") from error
