"""What a model at work is and takes, as the metadata of its exported files say."""

import json
import re
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Literal, get_args

from scalereid.data.image_size import ImageSize, check_image_size
from scalereid.data.normalisation import PIXEL_MEAN, PIXEL_STD
from scalereid.inference.pixel_format import PixelFormat
from scalereid.typed_json import from_json, parse

Precision = Literal["float32", "bfloat16", "float16", "int8"]
KEY = "scalereid"  # in the metadata of a file
PIXELS = "uint8 RGB (n, height, width, 3)"
NORMALISED = "float32 RGB (n, 3, height, width), normalised"
OTHER = "float32, in the format that pixels says"
RESIZE = "Pillow's BILINEAR (antialiased), to image_size, of the upright RGB image"


@dataclass(frozen=True)
class ModelMetadata:
    """What a model is, what it takes and where it came from.

    Raises:
        ValueError: A value is out of its range, or known to another version only; the message names the field.
    """

    model: str
    """Backbone and source of the weights."""
    fingerprint: str
    """Of weights and image size: embeddings can be compared if their models' fingerprints are equal."""
    image_size: ImageSize
    """(height, width) that images are resized to, by Pillow's antialiased bilinear filter."""
    embedding_size: int
    input: str = PIXELS
    """Or `NORMALISED`, where normalisation is not part of the graph; or `OTHER`, where scalereid did not write the file."""
    precision: Precision = "float32"
    """Or `int8`."""
    resize: str = RESIZE
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
    pixels: PixelFormat | None = None
    """How pixels go into a file that scalereid did not write, which does not say it itself; None for all others. The same file
    opened with `RuntimeOptions(pixels=metadata.pixels)` gives the same embeddings."""

    def __post_init__(self) -> None:
        check_image_size(self.image_size)
        for name, known in (
            ("input", (PIXELS, NORMALISED, OTHER)),
            ("precision", get_args(Precision)),
            ("resize", (RESIZE,)),
        ):
            if (value := getattr(self, name)) not in known:
                raise ValueError(f"{name} is {value!r}; expected {' or '.join(known)}")
        if not re.fullmatch("[0-9a-f]{12}", self.fingerprint):
            raise ValueError(f"fingerprint is {self.fingerprint!r}; expected 12 hexadecimal digits")
        if self.embedding_size < 1:
            raise ValueError(f"embedding_size is {self.embedding_size}; it must be at least 1")
        # What the graph subtracts and divides by: nothing else uses them.
        for name, least in (("mean", -inf), ("std", 0)):
            values: tuple[float, ...] = getattr(self, name)
            if len(values) != 3 or not all(least < value < inf for value in values):
                raise ValueError(f"{name} is {values}; expected 3 finite numbers{' above 0' if least == 0 else ''}")
        if (self.pixels is not None) != (self.input == OTHER):
            raise ValueError(
                f"input is {self.input!r}, and pixels is {self.pixels}; expected both {OTHER!r} and a format, or neither"
            )
        if self.recipe and not isinstance(parse(self.recipe), dict):
            raise ValueError(f"recipe is {self.recipe!r}; expected a JSON object")

    def to_json(self) -> str:
        """The metadata as text, for a file."""
        values = asdict(self)
        if self.pixels is None:
            del values["pixels"]  # which earlier versions do not know
        return json.dumps(values)

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
    def trained_on(self) -> str:
        """Name of its training dataset; empty if not known."""
        return self.training.rpartition(" (")[0]

    @property
    def takes_pixels(self) -> bool:
        """Whether normalisation is part of the graph."""
        return self.input == PIXELS
