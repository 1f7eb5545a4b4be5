"""Which part of a picture a model sees: all of it, or a crop that keeps its shape."""

import math
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from scalereid.data.image_size import ImageSize

Framing = Literal["stretch", "window", "resized-crop"]
"""Stretch: the whole picture. Window: seven eighths of its shorter side, in training anywhere, else the middle, as 224 of 256
pixels are. Resized crop: in training a part of 8 to 100 % of its area (GoogLeNet's, arXiv:1409.4842), else the middle as for
a window."""
Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a part of a picture, in its pixels."""
_KEPT = 7 / 8  # of the sides of the largest crop of the wanted shape, as in 224 of 256 pixels
_AREA = (0.08, 1.0)
_STRETCH = math.log(4 / 3)  # largest change of the ratio of the sides, either way
_TRIES = 10


def middle(size: tuple[int, int], image_size: ImageSize) -> Box:
    """The middle window of a picture of `size` (width, height), of the shape of `image_size` (height, width)."""
    width, height = _window(size, image_size)
    return _box(size, width, height, 0.5, 0.5)


def random_box(size: tuple[int, int], image_size: ImageSize, framing: Framing, random: Generator) -> Box:
    """A part of a picture of `size` (width, height) to train on, for one of the framings that crop."""
    if framing == "window":
        return _box(size, *_window(size, image_size), *random.random(2))
    shape = image_size[1] / image_size[0]
    for _ in range(_TRIES):
        area = size[0] * size[1] * random.uniform(*_AREA)
        ratio = shape * math.exp(random.uniform(-_STRETCH, _STRETCH))
        width, height = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if width <= size[0] and height <= size[1]:
            return _box(size, width, height, *random.random(2))
    return middle(size, image_size)


def cut(image: Image.Image, box: Box, image_size: ImageSize) -> NDArray[np.uint8]:
    """Pixels (height, width, 3) of a part of an RGB image, resized by Pillow's antialiased bilinear filter."""
    return np.asarray(image.resize(image_size[::-1], Image.Resampling.BILINEAR, box=box))


def _window(size: tuple[int, int], image_size: ImageSize) -> tuple[float, float]:
    """Width and height of a window."""
    scale = _KEPT * min(size[0] / image_size[1], size[1] / image_size[0])
    return image_size[1] * scale, image_size[0] * scale


def _box(size: tuple[int, int], width: float, height: float, x: float, y: float) -> Box:
    """A box of this width and height at a position from 0 to 1 in both directions."""
    left, top = x * (size[0] - width), y * (size[1] - height)
    return left, top, min(left + width, size[0]), min(top + height, size[1])
