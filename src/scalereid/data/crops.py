"""A random part of each picture, decoded anew for each batch: what ImageNet is trained on."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalereid.data.framing import Framing, cut, random_box
from scalereid.data.image_size import ImageSize
from scalereid.data.images import Pixels, Threads, load_image
from scalereid.distributed import own_rows


class RandomCrops:
    """Random crops of a list of image files, which are not kept: each picture is decoded whenever a part of it is wanted.

    `framing` is one that crops.
    """

    pixels: Pixels | None = None  # there are none to keep

    def __init__(self, paths: Sequence[Path], image_size: ImageSize, framing: Framing) -> None:
        self.paths, self.image_size, self.framing = tuple(paths), image_size, framing

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, indices: NDArray[np.int64], seed: int) -> Pixels:
        """Crops of the images at `indices`: uint8 (b, height, width, 3).

        Which part of an image is taken depends on `seed` and its place in the batch alone.
        Of several processes that train together, each decodes its own rows; the others are black.
        """
        pixels = np.zeros((len(indices), *self.image_size, 3), np.uint8)

        def read_one(row: int) -> None:
            image = load_image(self.paths[indices[row]])
            box = random_box(image.size, self.image_size, self.framing, np.random.default_rng([seed, row]))
            pixels[row] = cut(image, box, self.image_size)

        with Threads(os.cpu_count()) as pool:
            for _ in pool.map(read_one, np.arange(len(indices))[own_rows()].tolist()):
                pass  # an error in a thread is raised here
        return pixels
