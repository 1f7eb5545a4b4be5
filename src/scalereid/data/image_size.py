"""The size of the images that a model takes."""

from reprlib import repr as shortened

ImageSize = tuple[int, int]  # (height, width), always in this order
_MOST = 4096  # pixels of a side: networks for people take 64 to 512


def check_image_size(image_size: ImageSize) -> None:
    """Check that networks can halve an image four times with a pixel left.

    Raises:
        ValueError: `image_size` is not two whole numbers from 16 to 4096.
    """
    if not isinstance(image_size, tuple | list) or len(image_size) != 2 or {*map(type, image_size)} != {int}:
        raise ValueError(f"image_size is {shortened(image_size)}; expected (height, width), two whole numbers")
    if not 16 <= min(image_size) <= max(image_size) <= _MOST:
        raise ValueError(f"image_size is {image_size[0]}×{image_size[1]}; height and width must be from 16 to {_MOST}")
