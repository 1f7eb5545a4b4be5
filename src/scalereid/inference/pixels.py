"""Files, Pillow images, arrays, tensors and boxes in frames to the pixels that a model takes, as in training."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice, zip_longest
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from scalereid.data.image_size import ImageSize
from scalereid.data.images import has_deep_channels, load_image, resize, upright
from scalereid.data.shapes import ShapeCount

if TYPE_CHECKING:
    from torch import Tensor

Channels = Literal["RGB", "BGR"]
OneImage = Union[str, PathLike[str], Image.Image, NDArray[np.uint8], "Tensor"]
Images = OneImage | Iterable[OneImage]
Boxes = Union[ArrayLike, "Tensor", Iterable[Union[ArrayLike, "Tensor"]]]


def one_by_one(images: Images) -> Iterator[OneImage]:
    """Each of `images`: a single one, several, or a stack, (n, H, W, 3) as an array and (n, 3, H, W) as a tensor."""
    if isinstance(images, np.ndarray) or _is_tensor(images):
        is_names = isinstance(images, np.ndarray) and images.dtype.kind in "UO"
        yield from images.tolist() if is_names else images if images.ndim == 4 else [images]
    elif isinstance(images, str | PathLike | Image.Image):
        yield images
    elif not isinstance(images, Iterable) or isinstance(images, bytes):
        raise ValueError(
            f"{images if images is None else type(images).__name__} is not an image; give a file name, a Pillow image, an "
            "array, a tensor, or several of them (OpenCV's imread returns None for a file that it cannot read)"
        )
    else:
        yield from images


def to_pixels(
    image: OneImage, image_size: ImageSize, channels: Channels = "RGB", shapes: ShapeCount | None = None
) -> NDArray[np.uint8]:
    """RGB pixels (height, width, 3) of an image, upright and resized as in training.

    Takes a file, a Pillow image, a uint8 array (H, W, 3) or a uint8 tensor (3, H, W). `channels` is the order in arrays and
    tensors; OpenCV's is BGR. `shapes` counts the image by its own size.

    Raises:
        ValueError: It is not an image, or a file that cannot be read; the message says what it is.
    """
    whole = to_image(image, channels)
    if shapes:
        shapes.add(whole.height, whole.width, image if isinstance(image, str | PathLike) else "")
    return resize(whole, image_size)


def to_image(image: OneImage, channels: Channels = "RGB") -> Image.Image:
    """An image as a Pillow image in RGB, upright; see `to_pixels`."""
    if isinstance(image, str | PathLike):
        return load_image(Path(image))
    if isinstance(image, Image.Image):
        if 0 in image.size:
            raise ValueError(f"a Pillow image of {image.width}×{image.height} pixels is not an image")
        if has_deep_channels(image):
            raise ValueError(f"a Pillow image of mode {image.mode} has more than 8 bits a channel; convert it")
        try:
            return upright(image)
        except OSError as error:  # decoded only now, from a damaged file
            raise ValueError(f"a Pillow image cannot be read: {error}") from error
    pixels = _checked(image)
    return Image.fromarray(np.ascontiguousarray(pixels[..., ::-1] if channels == "BGR" else pixels))


def _checked(image: "NDArray[np.uint8] | Tensor") -> NDArray[np.uint8]:
    """An array or a tensor as an array (height, width, 3)."""
    if _is_tensor(image):
        if image.is_meta or str(image.layout) != "torch.strided":
            raise ValueError(f"a {'tensor without values' if image.is_meta else 'sparse tensor'} is not an image")
        array = image.cpu().numpy()
        pixels = array.transpose(1, 2, 0) if array.ndim == 3 else array
    else:
        pixels = array = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(
            f"a {type(image).__name__} of {array.dtype} with shape {list(array.shape)} is not an image: arrays are uint8 "
            "(height, width, 3), tensors uint8 (3, height, width)"
        )
    return pixels


def _is_tensor(value: object) -> "TypeGuard[Tensor]":
    """Whether it is a tensor; whoever has one has imported torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def cut_boxes(frames: Images, boxes: Boxes) -> Iterator[OneImage | ValueError]:
    """The parts of frames within boxes, in order of the frames, and of the boxes in each.

    Args:
        frames: A frame with its `boxes` (n, 4); or several frames with a sequence of such arrays, one for each frame.
        boxes: Left, top, right and bottom in pixels, rounded, and clipped to the frame.

    Yields:
        Arrays of arrays and tensors, with the same order of channels, else Pillow images. In place of a part that does not
        exist, as the box lies outside or the frame cannot be read, the error that says so.

    Raises:
        ValueError: Boxes are not (n, 4) numbers, or not as many arrays as frames.
    """
    each_frame = one_by_one(frames)
    if not _is_per_frame(boxes):
        few = [*islice(each_frame, 2)]
        if len(few) > 1 or (not few and np.size(boxes)):  # type: ignore[arg-type]
            given = "several frames are given" if few else "no frame is given"
            raise ValueError(f"the boxes are of one frame, but {given}; give a list of (n, 4) arrays, one per frame")
        for frame in few:
            yield from _cut(frame, boxes, "")
        return
    for number, (one, own) in enumerate(zip_longest(each_frame, boxes)):  # type: ignore[arg-type]
        if one is None or own is None:
            ended = "boxes" if own is None else "frames"
            raise ValueError(f"{ended} end after {number}; give one (n, 4) array of boxes for each frame")
        yield from _cut(one, own, f"frame {number}, ")


def _is_per_frame(boxes: Any) -> bool:
    """Whether there is an array of boxes for each frame, rather than one array (n, 4)."""
    if isinstance(boxes, np.ndarray) or _is_tensor(boxes):
        return boxes.ndim > 2
    if not isinstance(boxes, list | tuple):
        return True
    return any(np.ndim(own) > 1 for own in boxes) or (bool(boxes) and not any(np.size(own) for own in boxes))


def _cut(frame: OneImage, boxes: Any, where: str) -> list[OneImage | ValueError]:
    edges = np.asarray(boxes.cpu() if _is_tensor(boxes) else boxes, dtype=np.float64)
    if not edges.size:
        return []
    if edges.ndim != 2 or edges.shape[1] != 4:
        raise ValueError(
            f"{where}boxes have shape {list(edges.shape)}; they must be (n, 4) numbers: left, top, right, bottom"
        )
    if not (finite := np.isfinite(edges).all(axis=1)).all():
        raise ValueError(f"{where}box {int(np.argmin(finite))} is not four finite numbers")
    # Only what is cut out is copied: the whole of a large frame would take longer than its people.
    try:
        whole = to_image(frame) if isinstance(frame, str | PathLike | Image.Image) else _checked(frame)
    except ValueError as error:
        return [ValueError(f"{where}{error}")] * len(edges)
    width, height = whole.size if isinstance(whole, Image.Image) else whole.shape[1::-1]
    parts: list[OneImage | ValueError] = []
    clipped = edges.round().clip(0, (width, height) * 2).astype(int)
    for number, (left, top, right, bottom) in enumerate(clipped.tolist()):
        if left >= right or top >= bottom:
            parts.append(
                ValueError(
                    f"{where}box {number}, {edges[number].tolist()}, has no pixels within the frame of {width}×{height}; "
                    "boxes are left, top, right, bottom"
                )
            )
        elif isinstance(whole, Image.Image):
            parts.append(whole.crop((left, top, right, bottom)))
        else:
            parts.append(whole[top:bottom, left:right])
    return parts
