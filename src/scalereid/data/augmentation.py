"""Normalisation of pixels, and augmentation for training: flip, crop, patch, changes of colour, erasing.

Everything works on whole batches, on the batch's device, with random draws per image from the given generator.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

from scalereid.data.colour import luminance, turn_hue
from scalereid.data.trivial_augment import trivial_augment

PIXEL_MEAN = (0.485, 0.456, 0.406)  # ImageNet's, as every released weight here expects
PIXEL_STD = (0.229, 0.224, 0.225)
Range = tuple[float, float]  # from, to
Augmentation = Callable[[Tensor, Generator, float], Tensor]
"""Normalised images (b, 3, h, w), a generator on their device and a probability for each image, to images of the same shape."""


def normalise(pixels: Tensor) -> Tensor:
    """Normalise by ImageNet's mean and deviation: RGB uint8 (b, h, w, 3) to float32 (b, 3, h, w), channels last in memory."""
    mean, std = _constants(pixels.device)
    return pixels.float().div_(255).sub_(mean).div_(std).permute(0, 3, 1, 2)


@lru_cache
def _constants(device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and deviation on a device; kept there, because copying them makes a GPU wait."""
    return torch.tensor(PIXEL_MEAN, device=device), torch.tensor(PIXEL_STD, device=device)


def _colours(images: Tensor) -> Tensor:
    """Normalised images as colours from 0 to 1."""
    mean, std = (constant[:, None, None] for constant in _constants(images.device))
    return images * std + mean


def _normalised(colours: Tensor) -> Tensor:
    """Colours (b, 3, h, w) from 0 to 1 as normalised images."""
    mean, std = (constant[:, None, None] for constant in _constants(colours.device))
    return (colours - mean) / std


def augment(images: Tensor, generator: Generator, steps: Iterable[tuple[Augmentation, float]]) -> Tensor:
    """Apply each augmentation to each image with its probability, one after the other.

    Args:
        images: (b, 3, h, w), normalised.
        generator: on the images' device.
        steps: The augmentations and their probabilities.
    """
    for step, probability in steps:
        if probability:
            images = step(images, generator, probability)
    return images


def try_augmentation(name: str, augmentation: Augmentation, image_size: tuple[int, int], device: torch.device) -> None:
    """Augment two pictures of noise of `image_size` (height, width) on `device`.

    Raises:
        ValueError: The augmentation called `name` fails, or returns something else than two pictures of the same size.
    """
    generator = Generator(device).manual_seed(0)
    images = torch.randn(2, 3, *image_size, generator=generator, device=device)
    given = f"images {tuple(images.shape)}"
    try:
        changed = augmentation(images.clone(), generator, 1.0)
    except Exception as error:
        raise ValueError(f"{name} fails on {given}: {type(error).__name__}: {error}") from error
    if not isinstance(changed, Tensor):
        raise ValueError(f"{name} returns a value of type {type(changed).__name__}; expected {given}")
    if (changed.shape, changed.dtype) != (images.shape, images.dtype):
        raise ValueError(
            f"{name} returns {tuple(changed.shape)} of {changed.dtype}; expected {given} of {images.dtype}"
        )
    if wrong := int((~changed.isfinite()).sum()):
        raise ValueError(f"{name} returns {wrong} values that are infinite or not a number, of {given}")


def random_flip(images: Tensor, generator: Generator, probability: float = 0.5) -> Tensor:
    """Flip horizontally."""
    chosen = _draw(images, generator) < probability
    return torch.where(chosen[:, None, None, None], images.flip(3), images)


def random_crop(images: Tensor, generator: Generator, probability: float = 0.5) -> Tensor:
    """Enlarge by 1.125 (bilinear) and crop the original size at a random position: torchreid's Random2DTranslation."""
    count, _, height, width = images.shape
    size = (round(height * 1.125), round(width * 1.125))
    enlarged = functional.interpolate(images, size, mode="bilinear", align_corners=False)
    chosen = _draw(images, generator) < probability
    top = (_draw(images, generator) * (size[0] - height + 1)).long()
    left = (_draw(images, generator) * (size[1] - width + 1)).long()
    rows = top[:, None] + torch.arange(height, device=images.device)
    columns = left[:, None] + torch.arange(width, device=images.device)
    number = torch.arange(count, device=images.device)[:, None, None]
    cropped = enlarged[number, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    return torch.where(chosen[:, None, None, None], cropped, images)


def random_patch(
    images: Tensor,
    generator: Generator,
    probability: float = 0.5,
    *,
    area: Range = (0.01, 0.5),
    aspect: Range = (0.1, 10),
) -> Tensor:
    """Paste a patch of another image of the batch at a random position: RandomPatch (Zhou et al., arXiv:1905.00953).

    The patch has `area` as a fraction of the image and `aspect` = height / width. It is flipped with probability 0.5, and
    rotated by up to 10° either way with probability 0.5 (nearest pixel, black outside). torchreid takes its patches from a
    pool of 50,000 earlier ones; taking them from the same batch keeps each batch a function of its own seed.
    """
    count, _, height, width = images.shape
    box = _rectangles(images, generator, area, aspect)
    draw = torch.rand((6, count), generator=generator, device=images.device)
    chosen = (draw[0] < probability) & box.found
    number = torch.arange(count, device=images.device)
    source = (number + 1 + (draw[1] * (count - 1)).long()) % count if count > 1 else number
    angle = (draw[5] * 20 - 10).deg2rad() * (_draw(images, generator) < 0.5)
    # From which position in its patch each pixel of the image comes.
    last_y, last_x = (box.height - 1)[:, None, None], (box.width - 1)[:, None, None]
    y = torch.arange(height, device=images.device)[None, :, None] - (box.top[:, None, None] + last_y / 2)
    x = torch.arange(width, device=images.device)[None, None, :] - (box.left[:, None, None] + last_x / 2)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    flipped = torch.where(draw[4] < 0.5, -1.0, 1.0)[:, None, None]
    from_y = (cos * y - sin * x + last_y / 2).round()
    from_x = (flipped * (sin * y + cos * x) + last_x / 2).round()
    inside = (from_y >= 0) & (from_y <= last_y) & (from_x >= 0) & (from_x <= last_x)
    top = (draw[2] * (height - box.height + 1)).floor()[:, None, None]
    left = (draw[3] * (width - box.width + 1)).floor()[:, None, None]
    rows = (top + from_y).clamp(0, height - 1).long()
    columns = (left + from_x).clamp(0, width - 1).long()
    patches = images[source[:, None, None], :, rows, columns].permute(0, 3, 1, 2)
    mean, std = _constants(images.device)
    patches = torch.where(inside[:, None], patches, (-mean / std)[None, :, None, None])
    return torch.where((box.covered(images) & chosen[:, None, None])[:, None], patches, images)


def random_jitter(
    images: Tensor,
    generator: Generator,
    probability: float = 0.5,
    *,
    brightness: float = 0.2,
    contrast: float = 0.15,
    saturation: float = 0.0,
    hue: float = 0.0,
) -> Tensor:
    """Change brightness, contrast, saturation and hue, in this order.

    The first three by factors drawn for each image from 1 ± the strength, on colours from 0 to 1: brightness multiplies,
    contrast stretches about the image's mean luminance, saturation about each pixel's, and each result is clipped. The hue
    moves by up to `hue` of the colour circle either way. The default strengths are torchreid's.
    """
    draw = torch.rand((3, len(images)), generator=generator, device=images.device)[:, :, None, None, None]
    colours = _colours(images)
    brighter = (colours * (1 + brightness * (2 * draw[1] - 1))).clamp(0, 1)
    grey = luminance(brighter.mean(dim=(2, 3), keepdim=True))
    changed = (grey + (brighter - grey) * (1 + contrast * (2 * draw[2] - 1))).clamp(0, 1)
    if saturation or hue:
        more = torch.rand((2, len(images)), generator=generator, device=images.device)[:, :, None, None, None]
        grey = luminance(changed)
        changed = (grey + (changed - grey) * (1 + saturation * (2 * more[0] - 1))).clamp(0, 1)
        changed = turn_hue(changed, hue * (2 * more[1] - 1)) if hue else changed
    return torch.where(draw[0] < probability, _normalised(changed), images)


def random_grey(images: Tensor, generator: Generator, probability: float = 0.5) -> Tensor:
    """Give each pixel its luminance in all three channels."""
    chosen = _draw(images, generator) < probability
    grey = _normalised(luminance(_colours(images)).expand_as(images))
    return torch.where(chosen[:, None, None, None], grey, images)


def random_trivial(images: Tensor, generator: Generator, probability: float = 0.5) -> Tensor:
    """Change by one operation of TrivialAugment: see `trivial_augment`."""
    chosen = _draw(images, generator) < probability
    changed = _normalised(trivial_augment(_colours(images).clamp(0, 1), generator))
    return torch.where(chosen[:, None, None, None], changed, images)


def random_erase(
    images: Tensor,
    generator: Generator,
    probability: float = 0.5,
    *,
    area: Range = (0.02, 0.4),
    aspect: Range = (0.3, 1 / 0.3),
) -> Tensor:
    """Fill a random rectangle (random erasing, Zhong et al., arXiv:1708.04896) as torchreid does.

    The rectangle has `area` as a fraction of the image and `aspect` = height / width. The fill is ImageNet's mean *after*
    normalisation, as in the published recipes, so it is not the mean colour.
    """
    box = _rectangles(images, generator, area, aspect)
    chosen = (_draw(images, generator) < probability) & box.found
    fill = _constants(images.device)[0][None, :, None, None]
    return torch.where((box.covered(images) & chosen[:, None, None])[:, None], fill, images)


class _Rectangles(NamedTuple):
    """A rectangle in each image, in whole pixels; each field is (b,)."""

    height: Tensor
    width: Tensor
    top: Tensor
    left: Tensor
    found: Tensor
    """False where none of the drawn rectangles fits."""

    def covered(self, images: Tensor) -> Tensor:
        """The rectangles as masks (b, h, w)."""
        y = torch.arange(images.shape[2], device=images.device) - self.top[:, None]
        x = torch.arange(images.shape[3], device=images.device) - self.left[:, None]
        in_rows, in_columns = (y >= 0) & (y < self.height[:, None]), (x >= 0) & (x < self.width[:, None])
        return in_rows[:, :, None] & in_columns[:, None, :]


def _rectangles(images: Tensor, generator: Generator, area: Range, aspect: Range) -> _Rectangles:
    """For each image the first of ten drawn rectangles that fits into it, at a random position."""
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
    return _Rectangles(*own)


def _draw(images: Tensor, generator: Generator) -> Tensor:
    return torch.rand(len(images), generator=generator, device=images.device)


# In torchreid's order, with what it does not have before the patches; the setting of that name is the probability.
AUGMENTATIONS: dict[str, Augmentation] = {
    "flip": random_flip,
    "crop": random_crop,
    "auto_augment": random_trivial,
    "patch": random_patch,
    "jitter": random_jitter,
    "grey": random_grey,
    "erase": random_erase,
}
