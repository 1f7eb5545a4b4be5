"""A picture of any size within the input of a network, and boxes back from there."""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scalereid.data.image_size import ImageSize

_GAP = 2.0  # what is more times too large than this is shrunk by whole numbers first: thrice as fast from 3840×2160

Fit = Literal["corner", "centre", "stretch"]
"""How a picture is resized: to fit, with its shape kept, into the top left corner or the centre, and the rest is padded; or to
the whole input, whatever its shape."""


class Placed(NamedTuple):
    """A picture as a network takes it, and where it is there."""

    pixels: NDArray[np.uint8]
    """(height, width, 3) of the network's input."""
    offset: tuple[int, int]
    """Where its left and top edges are."""
    scale: tuple[float, float]
    """By how much its width and height were multiplied."""

    def back(self, boxes: NDArray[Any]) -> NDArray[np.float64]:
        """Boxes (n, 4) in pixels of the network's input as pixels of the picture."""
        return (boxes - np.array(self.offset * 2)) / np.array(self.scale * 2)


def place(picture: Image.Image, size: ImageSize, fit: Fit, padding: int) -> Placed:
    """Resize an RGB picture for a network, by Pillow's antialiased bilinear filter.

    Args:
        picture: Of any size.
        size: (height, width) of the network's input.
        fit: How it is resized.
        padding: The value, from 0 to 255, of what is padded.
    """
    height, width = size
    own = size
    if fit != "stretch":
        scale = min(width / picture.width, height / picture.height)
        own = max(1, round(picture.height * scale)), max(1, round(picture.width * scale))
    top, left = ((height - own[0]) // 2, (width - own[1]) // 2) if fit == "centre" else (0, 0)
    pixels = np.full((height, width, 3), padding, np.uint8)
    resized = picture.resize(own[::-1], Image.Resampling.BILINEAR, reducing_gap=_GAP)
    pixels[top : top + own[0], left : left + own[1]] = np.asarray(resized)
    return Placed(pixels, (left, top), (own[1] / picture.width, own[0] / picture.height))
