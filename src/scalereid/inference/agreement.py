"""Whether two ways of computing embeddings agree, tried on drawn people."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scalereid.data.image_size import ImageSize
from scalereid.data.images import resize
from scalereid.data.toy.camera import CAMERAS, photograph
from scalereid.data.toy.people import draw_people

_PEOPLE = 5
LEAST_COSINE = 0.99999
"""Between equal embeddings in float32."""

Compute = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


class Agreement(NamedTuple):
    """How embeddings compare with the expected ones."""

    difference: float
    """Largest difference of any number, as a share of the longest embedding."""
    cosine: float
    """Smallest cosine between the two embeddings of an image."""


def compare(expected: Compute, found: Compute, image_size: ImageSize) -> Agreement:
    """Compare two functions from pixels to embeddings on one and on five drawn people, as batches may have any size."""
    pixels = drawn_people(image_size).copy()
    differences, cosines = [], []
    for n in (1, _PEOPLE):
        a, b = (np.asarray(compute(pixels[:n]), np.float64) for compute in (expected, found))
        lengths = [np.linalg.norm(rows, axis=1).clip(1e-12) for rows in (a, b)]
        differences.append(np.abs(a - b).max() / lengths[0].max())
        cosines.append(((a * b).sum(axis=1) / lengths[0] / lengths[1]).min())
    return Agreement(float(max(differences)), float(min(cosines)))


@lru_cache
def drawn_people(image_size: ImageSize) -> NDArray[np.uint8]:
    """RGB pixels (5, height, width, 3) of drawn people, always the same ones."""
    rng = np.random.default_rng(0)
    pictures: list[Image.Image] = [
        photograph(person, CAMERAS[0], rng) for person in draw_people(_PEOPLE, rng)[:_PEOPLE]
    ]
    pixels = np.stack([resize(picture, image_size) for picture in pictures])
    pixels.flags.writeable = False
    return pixels
