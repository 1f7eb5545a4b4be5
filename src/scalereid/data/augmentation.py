"""Pixels to what a network takes: normalised, and in training flipped, shifted and partly erased.

Everything works on whole batches, on the device where the batch lives, with one draw per image from a generator given.
"""

from functools import lru_cache

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


def augment(images: Tensor, generator: Generator, *, flip: float, crop: float, erase: float) -> Tensor:
    """Each step in torchreid's order, applied to each image with the probability given.

    Args:
        images: normalised (b, 3, h, w).
        generator: on the images' device.
        flip: probability of a left-right flip.
        crop: probability of enlarging by an eighth and cutting out the original size at random.
        erase: probability of covering a random rectangle.
    """
    if flip:
        images = random_flip(images, generator, flip)
    if crop:
        images = random_crop(images, generator, crop)
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
    *after* normalisation, as the published recipes have it, so not the mean colour. The first of ten drawn rectangles
    that fits is taken; an image for which none fits stays whole.
    """
    count, _, height, width = images.shape
    tries = 10
    draw = torch.rand((4, count, tries), generator=generator, device=images.device)
    areas = (area[0] + draw[0] * (area[1] - area[0])) * height * width
    aspects = aspect[0] + draw[1] * (aspect[1] - aspect[0])
    heights = (areas * aspects).sqrt().round()
    widths = (areas / aspects).sqrt().round()
    fits = (heights < height) & (widths < width)
    first = fits.int().argmax(dim=1, keepdim=True)  # 0 when none fits
    chosen = (_draw(images, generator) < probability) & fits.any(dim=1)

    def of_first(values: Tensor) -> Tensor:
        return values.gather(1, first)

    erased_height, erased_width = of_first(heights), of_first(widths)
    top = (of_first(draw[2]) * (height - erased_height + 1)).floor()
    left = (of_first(draw[3]) * (width - erased_width + 1)).floor()
    y = torch.arange(height, device=images.device)
    x = torch.arange(width, device=images.device)
    in_rows = (y >= top) & (y < top + erased_height)
    in_columns = (x >= left) & (x < left + erased_width)
    covered = in_rows[:, :, None] & in_columns[:, None, :] & chosen[:, None, None]
    fill = _constants(images.device)[0][None, :, None, None]
    return torch.where(covered[:, None], fill, images)


def _draw(images: Tensor, generator: Generator) -> Tensor:
    return torch.rand(len(images), generator=generator, device=images.device)
