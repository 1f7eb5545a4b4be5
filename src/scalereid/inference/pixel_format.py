"""How pixels go into a network that scalereid did not write: order of channels, scale, mean and standard deviation."""

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from scalereid.arguments import check_choice, check_number
from scalereid.data.normalisation import PIXEL_MEAN, PIXEL_STD
from scalereid.inference.pixels import Channels

_SMALLEST = 1e-12  # of what is divided by

Three = tuple[float, float, float]


@dataclass(frozen=True)
class PixelFormat:
    """What a network takes for a pixel: (value / scale - mean) / std of each channel, where values are from 0 to 255.

    Raises:
        ValueError: A value is of the wrong type or out of range; the message names it.
    """

    channels: Channels = "RGB"
    """Their order. OpenCV's is BGR."""
    scale: float = 1.0
    """What values from 0 to 255 are divided by: 255 for a network that takes 0 to 1, 1 for one that takes them as they are."""
    mean: Three = (0.0, 0.0, 0.0)
    """What is subtracted then, in the order of `channels`."""
    std: Three = (1.0, 1.0, 1.0)
    """What is divided by at last, in the order of `channels`."""

    def __post_init__(self) -> None:
        check_choice("channels", self.channels, Channels)
        check_number("scale", self.scale, _SMALLEST)
        for name, least in (("mean", -inf), ("std", _SMALLEST)):
            values = getattr(self, name)
            if not isinstance(values, tuple) or len(values) != 3:
                raise ValueError(f"{name} is {values!r}; expected a tuple of three numbers, one for each channel")
            for value in values:
                check_number(f"a number of {name}", value, least)

    def __str__(self) -> str:
        mean, std = (", ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return f"{self.channels}, divided by {self.scale:g}, mean {mean}, std {std}"

    def values(self) -> list[str | float]:
        """What tells two formats apart, as JSON values: 255 and 255.0 are equal."""
        return [self.channels, *(float(value) for value in (self.scale, *self.mean, *self.std))]

    def convert(self, pixels: NDArray[np.uint8], *, channels_last: bool = False) -> NDArray[np.float32]:
        """RGB (n, height, width, 3) to what the network takes: (n, 3, height, width), or (n, height, width, 3)."""
        n, height, width, _ = pixels.shape
        shape = (n, height, width, 3) if channels_last else (n, 3, height, width)
        converted = np.empty(shape, np.float32)
        by_channel = converted.transpose(3, 0, 1, 2) if channels_last else converted.transpose(1, 0, 2, 3)
        order = pixels if self.channels == "RGB" else pixels[..., ::-1]
        # In place and channel by channel, in the order of operations that torch's ToTensor and Normalize have.
        for channel, values in enumerate(by_channel):
            np.divide(order[..., channel], np.float32(self.scale), out=values, dtype=np.float32)
            values -= np.float32(self.mean[channel])
            values /= np.float32(self.std[channel])
        return converted


PRESETS = {
    "torchreid": PixelFormat("RGB", 255.0, PIXEL_MEAN, PIXEL_STD),
    "fast-reid": PixelFormat("RGB"),
    "open-model-zoo": PixelFormat("BGR"),
}
"""Formats of files that three sources give out.

* `torchreid`: networks of deep-person-reid, whatever exported them: `build_transforms` in its `torchreid/data/transforms.py` is
  ToTensor, then Normalize by ImageNet's mean and standard deviation.
* `fast-reid`: files of its `tools/deploy/onnx_export.py`. Its `ToTensor` leaves values from 0 to 255, of RGB images, and
  normalisation (`MODEL.PIXEL_MEAN`, `PIXEL_STD`) is a part of the network.
* `open-model-zoo`: Intel's person-reidentification-retail-*: "The expected color order is BGR" by their README.md; what is
  subtracted and divided by was put into the file when it was converted (`mean_values` and `scale_values` in the .xml).
"""

if TYPE_CHECKING:
    PresetName = str
else:  # the choices that a command line offers
    PresetName = Literal[tuple(PRESETS)]


def find_format(pixels: PixelFormat | str) -> PixelFormat:
    """A format that is given by itself, or by the name of a preset.

    Raises:
        ValueError: There is no such preset, or it is something else.
    """
    if isinstance(pixels, PixelFormat):
        return pixels
    if not isinstance(pixels, str) or pixels not in PRESETS:
        raise ValueError(f"pixels is {pixels!r}; expected a PixelFormat, or one of {', '.join(PRESETS)}")
    return PRESETS[pixels]
