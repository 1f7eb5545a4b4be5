"""Changes of some images of a batch, and of rectangles in them, that compute no more than is changed.

On a CPU the chosen images are changed in place, one after the other, each while it is in the caches. A GPU would have to wait
to be told which are chosen, so there all are computed, and the others kept as they were. Both call the same functions.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor

Range = tuple[float, float]  # from, to
Change = Callable[[Tensor, slice], Tensor]
"""Some images (k, 3, h, w) of a batch, and which rows of it they are, to changed ones."""
Colours = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Numbers of images, rows and columns of pixels, which broadcast to (…, h, w), to the pixels' values (…, h, w, 3)."""


def change_images(images: Tensor, chosen: Tensor, change: Change) -> Tensor:
    """Images of which the chosen ones, a mask (b,), are changed."""
    if _computes_all(images):
        return torch.where(chosen[:, None, None, None], change(images, slice(None)), images)
    for number in _numbers(chosen):
        own = slice(number, number + 1)
        images[own] = change(images[own], own)
    return images


class Rectangles(NamedTuple):
    """A rectangle in each image, in whole pixels; each field is (b,)."""

    height: Tensor
    width: Tensor
    top: Tensor
    left: Tensor
    found: Tensor
    """False where none of the drawn rectangles fits."""


def draw_rectangles(images: Tensor, generator: Generator, area: Range, aspect: Range) -> Rectangles:
    """For each image the first of ten drawn rectangles that fits into it, at a random position.

    `area` is a fraction of the image, `aspect` = height / width.
    """
    count, _, height, width = images.shape
    draw = torch.rand((4, count, 10), generator=generator, device=images.device)
    areas = (area[0] + draw[0] * (area[1] - area[0])) * height * width
    aspects = aspect[0] + draw[1] * (aspect[1] - aspect[0])
    heights = (areas * aspects).sqrt().round().clamp_min(1)
    widths = (areas / aspects).sqrt().round().clamp_min(1)
    tops = (draw[2] * (height - heights + 1)).floor()
    lefts = (draw[3] * (width - widths + 1)).floor()
    fits = (heights < height) & (widths < width)
    first = fits.int().argmax(dim=1, keepdim=True)  # 0 when none fits
    own = (values.gather(1, first)[:, 0] for values in (heights, widths, tops, lefts, fits))
    return Rectangles(*own)


def fill_rectangles(images: Tensor, rectangles: Rectangles, chosen: Tensor, colours: Colours) -> Tensor:
    """Images whose pixels in the rectangles of the chosen ones are `colours` of the images as they were."""
    chosen = chosen & rectangles.found
    if _computes_all(images):
        return _fill_all(images, rectangles, chosen, colours)
    pixels, changes = images.permute(0, 2, 3, 1), []
    edges = torch.stack([*rectangles[:4]], dim=1).long()
    for number in _numbers(chosen):
        height, width, top, left = edges[number].tolist()
        rows, columns = torch.arange(float(top), top + height)[:, None], torch.arange(float(left), left + width)
        place = (number, slice(top, top + height), slice(left, left + width))
        changes.append((place, colours(torch.tensor(number), rows, columns)))
    for place, values in changes:  # when all are computed, as they may be of other images
        pixels[place] = values
    return images


def _computes_all(images: Tensor) -> bool:
    return images.device.type != "cpu"


def _fill_all(images: Tensor, rectangles: Rectangles, chosen: Tensor, colours: Colours) -> Tensor:
    count, _, height, width = images.shape
    number, rows, columns = (torch.arange(size, device=images.device) for size in (count, height, width))
    y, x = rows - rectangles.top[:, None], columns - rectangles.left[:, None]
    in_rows = (y >= 0) & (y < rectangles.height[:, None]) & chosen[:, None]
    in_columns = (x >= 0) & (x < rectangles.width[:, None])
    values = colours(number[:, None, None], rows[:, None], columns).movedim(-1, 1)
    return torch.where((in_rows[:, :, None] & in_columns[:, None, :])[:, None], values, images)


def _numbers(chosen: Tensor) -> list[int]:
    return chosen.nonzero()[:, 0].tolist()
