"""Whatever shows a person to the pixels that a model takes, as training made them."""

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from scalereid.data.images import ImageSize, open_image, upright

Channels = Literal["RGB", "BGR"]
OneImage = str | PathLike[str] | Image.Image | NDArray[np.uint8] | torch.Tensor
Images = OneImage | Iterable[OneImage]


def one_by_one(images: Images) -> Iterator[OneImage]:
    """Each of `images`: a single one, several, or a stack, (n, H, W, 3) as an array and (n, 3, H, W) as a tensor."""
    if isinstance(images, np.ndarray | torch.Tensor):
        is_names = isinstance(images, np.ndarray) and images.dtype.kind in "UO"
        yield from images.tolist() if is_names else images if images.ndim == 4 else [images]
    elif isinstance(images, str | PathLike | Image.Image):
        yield images
    elif not isinstance(images, Iterable) or isinstance(images, bytes):
        raise ValueError(
            f"{images if images is None else type(images).__name__} is no image; give a file's name, a Pillow image, an array, "
            "a tensor, or several of them (OpenCV's imread gives None for a file that it cannot read)"
        )
    else:
        yield from images


def to_image(image: OneImage, channels: Channels = "RGB") -> Image.Image:
    """A file, a Pillow image, an array (H, W, 3) or a tensor (3, H, W), both uint8, as an RGB image.

    `channels` is the order in arrays and tensors; OpenCV's is BGR.

    Raises:
        ValueError: it is no such thing, or a file that cannot be read; the message says what it is.
    """
    if isinstance(image, str | PathLike):
        with open_image(Path(image)) as opened:
            return upright(opened)
    if isinstance(image, Image.Image):
        if 0 in image.size:
            raise ValueError(f"a Pillow image of {image.width}×{image.height} pixels is no image")
        if image.mode.startswith(("I", "F")):
            raise ValueError(f"a Pillow image of mode {image.mode} has more than 8 bits a channel; convert it")
        try:
            return upright(image)
        except OSError as error:  # read only now from a damaged file
            raise ValueError(f"a Pillow image cannot be read: {error}") from error
    pixels = _checked(image)
    return Image.fromarray(np.ascontiguousarray(pixels[..., ::-1] if channels == "BGR" else pixels))


def _checked(image: NDArray[np.uint8] | torch.Tensor) -> NDArray[np.uint8]:
    """An array or a tensor as an array (height, width, 3)."""
    array = image.cpu().numpy() if isinstance(image, torch.Tensor) else np.asarray(image)
    pixels = array.transpose(1, 2, 0) if isinstance(image, torch.Tensor) and array.ndim == 3 else array
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(
            f"a {type(image).__name__} of {array.dtype} with shape {list(array.shape)} is no image: arrays are uint8 "
            "(height, width, 3), tensors uint8 (3, height, width)"
        )
    return pixels


def to_pixels(image: OneImage, image_size: ImageSize, channels: Channels = "RGB") -> NDArray[np.uint8]:
    """The same as RGB pixels (height, width, 3), resized as in training, by Pillow's antialiased bilinear filter."""
    return np.asarray(to_image(image, channels).resize(image_size[::-1], Image.Resampling.BILINEAR))


def cut(frame: OneImage, boxes: ArrayLike) -> list[OneImage | ValueError]:
    """The parts of a frame within boxes (n, 4): left, top, right, bottom in pixels, rounded, and clipped to the frame.

    Of an array or a tensor they are arrays, with the same order of channels; else Pillow images. In place of a part that
    cannot be had, as nothing of the frame is within the box or the frame cannot be read, the error that says so.

    Raises:
        ValueError: boxes are not (n, 4) numbers.
    """
    edges = np.asarray(boxes, dtype=np.float64)
    if not edges.size:
        return []
    if edges.ndim != 2 or edges.shape[1] != 4:
        raise ValueError(f"boxes are {list(edges.shape)}; they must be (n, 4) numbers: left, top, right, bottom")
    if not np.isfinite(edges).all():
        raise ValueError(f"box {int(np.argmin(np.isfinite(edges).all(axis=1)))} is not four finite numbers")
    # Only what is cut out is copied: the whole of a large frame would take longer than its people.
    try:
        whole = to_image(frame) if isinstance(frame, str | PathLike | Image.Image) else _checked(frame)
    except ValueError as error:
        return [error] * len(edges)
    width, height = whole.size if isinstance(whole, Image.Image) else whole.shape[1::-1]
    parts: list[OneImage | ValueError] = []
    clipped = edges.round().clip(0, (width, height) * 2).astype(int)
    for number, (left, top, right, bottom) in enumerate(clipped.tolist()):
        if left >= right or top >= bottom:
            parts.append(
                ValueError(
                    f"box {number}, {edges[number].tolist()}, holds nothing of the frame of {width}×{height} pixels; "
                    "boxes are left, top, right, bottom"
                )
            )
        elif isinstance(whole, Image.Image):
            parts.append(whole.crop((left, top, right, bottom)))
        else:
            parts.append(whole[top:bottom, left:right])
    return parts
