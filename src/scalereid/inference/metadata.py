"""What a model at work is and takes, as the metadata of its exported files say."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from scalereid.data.augmentation import PIXEL_MEAN, PIXEL_STD
from scalereid.data.image_size import ImageSize
from scalereid.models.fingerprint import fingerprint
from scalereid.runs.checkpoint import LoadedModel, Source
from scalereid.typed_json import from_json, parse

Precision = Literal["float32", "bfloat16", "float16", "int8"]
KEY = "scalereid"  # in the metadata of a file
PIXELS = "uint8 RGB (n, height, width, 3)"
NORMALISED = "float32 RGB (n, 3, height, width), normalised"


@dataclass(frozen=True)
class ModelMetadata:
    """What a model is, what it takes and where it came from."""

    model: str
    """Backbone and source of the weights."""
    fingerprint: str
    """Of weights and image size: embeddings can be compared if their models' fingerprints are equal."""
    image_size: ImageSize
    """(height, width) that images are resized to, by Pillow's antialiased bilinear filter."""
    embedding_size: int
    input: str = PIXELS
    """Or `NORMALISED`, where normalisation is not part of the graph."""
    precision: Precision = "float32"
    """Or `int8`."""
    resize: str = "Pillow's BILINEAR (antialiased), to image_size, of the upright RGB image"
    """How images get their size; another filter gives other embeddings."""
    mean: tuple[float, ...] = PIXEL_MEAN
    std: tuple[float, ...] = PIXEL_STD
    training: str = ""
    """The training dataset and its fingerprint; empty if not known."""
    classes: int | None = None
    """Number of people in the classifier of released weights, which hints at their training dataset; None if not known."""
    epoch: int | None = None
    """Number of epochs it was trained for; None if not known."""
    recipe: str = field(default="", repr=False)
    """The recipe as JSON; empty for released weights."""
    accuracy: str = ""
    """For int8: the dataset it was evaluated on, and how much was lost."""

    def to_json(self) -> str:
        """The metadata as text, for a file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ModelMetadata":
        """The metadata that `to_json` gave.

        Raises:
            ValueError: The text is something else, or was written by another version.
        """
        try:
            return from_json(cls, parse(text), "metadata")
        except ValueError as error:
            raise ValueError(
                f"damaged, or exported by another version of scalereid ({error}); export it again"
            ) from error

    @property
    def takes_pixels(self) -> bool:
        """Whether normalisation is part of the graph."""
        return self.input == PIXELS


def describe_model(loaded: LoadedModel, source: Source, image_size: ImageSize | None = None) -> ModelMetadata:
    """The metadata of a loaded model, for images of its own size or of `image_size`."""
    size, dataset = image_size or loaded.image_size, loaded.trained.dataset
    name = Path(os.fspath(source)).name if isinstance(source, str | os.PathLike) else "given tensors"
    return ModelMetadata(
        model=f"{loaded.report.backbone} ({name})",
        fingerprint=fingerprint(loaded.model, size),
        image_size=size,
        embedding_size=loaded.model.embedding_size,
        training=f"{dataset.name} ({dataset.fingerprint})" if dataset else "",
        classes=loaded.report.classes,
        epoch=loaded.trained.epoch,
        recipe=loaded.recipe.text if loaded.recipe else "",
    )
