"""Pixels to what a network takes: normalised, and in training flipped, shifted, patched, recoloured and partly erased.

Everything works on whole batches, on the device where the batch lives, with one draw per image from a generator given.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

PIXEL_MEAN = (0.485, 0.456, 0.406)  # ImageNet's, as every released weight here expects
PIXEL_STD = (0.229, 0.224, 0.225)


def normalise(pixels: Tensor) -> Tensor:
    """RGB uint8 (b, h, w, 3) to float32 (b, 3, h, w), channels last in memory, by ImageNet's mean and deviation."""
    mean, std = _constants(pixels.device)
    return pixels.float().div_(255).sub_(mean).div_(std).permute(0, 3, 1, 2)


@lru_cache
def _constants(device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and deviation on a device; kept there, because sending them makes a GPU wait."""
    return torch.tensor(PIXEL_MEAN, device=device), torch.tensor(PIXEL_STD, device=device)


def augment(
    images: Tensor,
    generator: Generator,
    *,
    flip: float = 0.0,
    crop: float = 0.0,
    patch: float = 0.0,
    jitter: float = 0.0,
    erase: float = 0.0,
) -> Tensor:
    """Each step in torchreid's order, applied to each image with the probability given.

    Args:
        images: normalised (b, 3, h, w).
        generator: on the images' device.
        flip: probability of a left-right flip.
        crop: probability of enlarging by an eighth and cutting out the original size at random.
        patch: probability of pasting a piece of another image of the batch.
        jitter: probability of changing brightness and contrast.
        erase: probability of covering a random rectangle.
    """
    if flip:
        images = random_flip(images, generator, flip)
    if crop:
        images = random_crop(images, generator, crop)
    if patch:
        images = random_patch(images, generator, patch)
    if jitter:
        images = random_jitter(images, generator, jitter)
    if erase:
        images = random_erase(images, generator, erase)
    return images


def random_flip(images: Tensor, generator: Generator, probability: float = 0.5) -> Tensor:
    """Mirror left and right."""
    chosen = _draw(images, generator) < probability
    return torch.where(chosen[:, None, None, None], images.flip(3), images)


def random_crop(images: Tensor, generator: Generator, probability: float = 0.5) -> Tensor:
    """Enlarge by 1.125 (bilinear) and cut out the original size at a random place: torchreid's Random2DTranslation."""
    count, _, height, width = images.shape
    size = (round(height * 1.125), round(width * 1.125))
    enlarged = functional.interpolate(images, size, mode="bilinear", align_corners=False)
    chosen = _draw(images, generator) < probability
    top = (_draw(images, generator) * (size[0] - height + 1)).long()
    left = (_draw(images, generator) * (size[1] - width + 1)).long()
    rows = top[:, None] + torch.arange(height, device=images.device)
    columns = left[:, None] + torch.arange(width, device=images.device)
    images_index = torch.arange(count, device=images.device)[:, None, None]
    cropped = enlarged[images_index, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return torch.where(chosen[:, None, None, None], cropped, images)


def random_patch(
    images: Tensor,
    generator: Generator,
    probability: float = 0.5,
    *,
    area: tuple[float, float] = (0.01, 0.5),
    aspect: tuple[float, float] = (0.1, 10.0),
) -> Tensor:
    """Paste a piece of another image of the batch at a random place (Zhou et al., arXiv:1905.00953, torchreid's RandomPatch).

    The piece has `area` as a fraction of the image and `aspect` = height / width; with even odds each it is mirrored, and
    turned by up to 10° either way (nearest pixel, black where nothing is left). torchreid cuts its pieces from a pool of
    50,000 earlier ones; cutting them from the batch at hand keeps each batch a function of its own seed.
    """
    count, _, height, width = images.shape
    place = _rectangles(images, generator, area, aspect)
    draw = torch.rand((6, count), generator=generator, device=images.device)
    chosen = (draw[0] < probability) & place.found
    number = torch.arange(count, device=images.device)
    source = (number + 1 + (draw[1] * (count - 1)).long()) % count if count > 1 else number
    angle = (draw[5] * 20 - 10).deg2rad() * (_draw(images, generator) < 0.5)
    # Where in its piece each pixel of the image comes from.
    middle_y, middle_x = (place.height - 1) / 2, (place.width - 1) / 2
    y = torch.arange(height, device=images.device)[None, :, None] - (place.top + middle_y)[:, None, None]
    x = torch.arange(width, device=images.device)[None, None, :] - (place.left + middle_x)[:, None, None]
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    turned_y = cos * y - sin * x + middle_y[:, None, None]
    turned_x = sin * y + cos * x
    mirrored = torch.where(draw[4] < 0.5, -1.0, 1.0)[:, None, None]
    turned_x = mirrored * turned_x + middle_x[:, None, None]
    from_y, from_x = turned_y.round(), turned_x.round()
    last_y, last_x = (place.height - 1)[:, None, None], (place.width - 1)[:, None, None]
    inside = (from_y >= 0) & (from_y <= last_y) & (from_x >= 0) & (from_x <= last_x)
    top = (draw[2] * (height - place.height + 1)).floor()[:, None, None]
    left = (draw[3] * (width - place.width + 1)).floor()[:, None, None]
    rows = (top + from_y).clamp(0, height - 1).long()
    columns = (left + from_x).clamp(0, width - 1).long()
    pieces = images[source[:, None, None], :, rows, columns].permute(0, 3, 1, 2)
    mean, std = _constants(images.device)
    pieces = torch.where(inside[:, None], pieces, (-mean / std)[None, :, None, None])
    return torch.where((place.covered(images) & chosen[:, None, None])[:, None], pieces, images)


def random_jitter(
    images: Tensor, generator: Generator, probability: float = 0.5, *, brightness: float = 0.2, contrast: float = 0.15
) -> Tensor:
    """Change brightness, then contrast, by factors drawn for each image from 1 ± `brightness` and 1 ± `contrast`.

    The strengths of torchreid's colour jitter (whose saturation and hue are 0), on colours from 0 to 1: brightness
    multiplies, contrast stretches about the image's mean luminance, each then clipped.
    """
    draw = torch.rand((3, len(images)), generator=generator, device=images.device)[:, :, None, None, None]
    mean, std = (constant[:, None, None] for constant in _constants(images.device))
    colours = images * std + mean
    brighter = (colours * (1 + brightness * (2 * draw[1] - 1))).clamp(0, 1)
    red, green, blue = brighter.mean(dim=(2, 3), keepdim=True).unbind(dim=1)
    grey = (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]  # the mean luminance
    stretched = (grey + (brighter - grey) * (1 + contrast * (2 * draw[2] - 1))).clamp(0, 1)
    return torch.where(draw[0] < probability, (stretched - mean) / std, images)


def random_erase(
    images: Tensor,
    generator: Generator,
    probability: float = 0.5,
    *,
    area: tuple[float, float] = (0.02, 0.4),
    aspect: tuple[float, float] = (0.3, 1 / 0.3),
) -> Tensor:
    """Cover a random rectangle (Zhong et al., arXiv:1708.04896) with torchreid's fill.

    The rectangle has `area` as a fraction of the image and `aspect` = height / width. The fill is ImageNet's mean put in
    *after* normalisation, as the published recipes have it, so not the mean colour.
    """
    place = _rectangles(images, generator, area, aspect)
    chosen = (_draw(images, generator) < probability) & place.found
    fill = _constants(images.device)[0][None, :, None, None]
    return torch.where((place.covered(images) & chosen[:, None, None])[:, None], fill, images)


class _Rectangles(NamedTuple):
    """A rectangle in each image, in whole pixels: (b,) each."""

    height: Tensor
    width: Tensor
    top: Tensor
    left: Tensor
    found: Tensor
    """False where none of those drawn fits."""

    def covered(self, images: Tensor) -> Tensor:
        """Which pixels (b, h, w) lie in the rectangles."""
        y = torch.arange(images.shape[2], device=images.device)
        x = torch.arange(images.shape[3], device=images.device)
        top, left = self.top[:, None], self.left[:, None]
        in_rows = (y >= top) & (y < top + self.height[:, None])
        in_columns = (x >= left) & (x < left + self.width[:, None])
        return in_rows[:, :, None] & in_columns[:, None, :]


def _rectangles(
    images: Tensor, generator: Generator, area: tuple[float, float], aspect: tuple[float, float]
) -> _Rectangles:
    """For each image the first of ten drawn rectangles that is smaller than it, at a random place."""
    count, _, height, width = images.shape
    tries = 10
    draw = torch.rand((4, count, tries), generator=generator, device=images.device)
    areas = (area[0] + draw[0] * (area[1] - area[0])) * height * width
    aspects = aspect[0] + draw[1] * (aspect[1] - aspect[0])
    heights = (areas * aspects).sqrt().round().clamp_min(1)
    widths = (areas / aspects).sqrt().round().clamp_min(1)
    fits = (heights < height) & (widths < width)
    first = fits.int().argmax(dim=1, keepdim=True)  # 0 when none fits

    def of_first(values: Tensor) -> Tensor:
        return values.gather(1, first)[:, 0]

    own_height, own_width = of_first(heights), of_first(widths)
    top = (of_first(draw[2]) * (height - own_height + 1)).floor()
    left = (of_first(draw[3]) * (width - own_width + 1)).floor()
    return _Rectangles(own_height, own_width, top, left, fits.any(dim=1))


def _draw(images: Tensor, generator: Generator) -> Tensor:
    return torch.rand(len(images), generator=generator, device=images.device)
