"""The size of the images that a model takes."""

ImageSize = tuple[int, int]  # (height, width), always in this order


def check_image_size(image_size: ImageSize) -> None:
    """Check that networks can halve an image four times with a pixel left.

    Raises:
        ValueError: `image_size` is below 16 pixels either way.
    """
    if min(image_size) < 16:
        raise ValueError(f"image_size is {image_size[0]}×{image_size[1]}; height and width must be at least 16")
