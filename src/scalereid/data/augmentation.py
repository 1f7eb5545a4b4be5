"""Normalisation of pixels, and augmentation for training: flip, crop, patch, changes of colour, erasing.

Everything works on whole batches, on the batch's device, with random draws per image from the given generator. A batch that is
wanted again is to be copied before: on a CPU its images are changed in place.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

import torch
from torch import Generator, Tensor
from torch.nn import functional

from scalereid.data.chosen import Range, change_images, draw_rectangles, fill_rectangles
from scalereid.data.colour import luminance, turn_hue
from scalereid.data.normalisation import PIXEL_MEAN, PIXEL_STD
from scalereid.data.trivial_augment import draw_operations, trivial_augment

Augmentation = Callable[[Tensor, Generator, float], Tensor]
"""Normalised images (b, 3, h, w), a generator on their device and a probability for each image, to images of the same shape.

The images given may be changed in place: those here are, on a CPU."""


def normalise(pixels: Tensor) -> Tensor:
    """Normalise by ImageNet's mean and deviation: RGB uint8 (b, h, w, 3) to float32 (b, 3, h, w), channels last in memory."""
    mean, std = _constants(pixels.device, pixels.shape[2])
    return _as_images(pixels.flatten(2).float().div_(255).sub_(mean).div_(std))


def _colours(images: Tensor) -> Tensor:
    """Normalised images as colours from 0 to 1."""
    mean, std = _constants(images.device, images.shape[3])
    return _as_images(images.permute(0, 2, 3, 1).flatten(2) * std + mean)


def _normalised(colours: Tensor) -> Tensor:
    """Colours (b, 3, h, w) from 0 to 1 as normalised images."""
    mean, std = _constants(colours.device, colours.shape[3])
    return _as_images((colours.permute(0, 2, 3, 1).flatten(2) - mean) / std)


@lru_cache
def _constants(device: torch.device, width: int = 1) -> tuple[Tensor, Tensor]:
    """Mean and deviation of a row of `width` pixels, (3 · width,); kept on the device, because copying them makes a GPU wait.

    A whole row at a time, as broadcasting three numbers to each pixel takes a CPU three times as long.
    """
    return torch.tensor(PIXEL_MEAN, device=device).repeat(width), torch.tensor(PIXEL_STD, device=device).repeat(width)


def _as_images(rows: Tensor) -> Tensor:
    """Rows of pixels (b, h, 3 · w) as images (b, 3, h, w)."""
    return rows.reshape(len(rows), rows.shape[1], -1, 3).permute(0, 3, 1, 2)


def augment(images: Tensor, generator: Generator, steps: Iterable[tuple[Augmentation, float]]) -> Tensor:
    """Apply each augmentation to each image with its probability, one after the other.

    Args:
        images: (b, 3, h, w), normalised; they may be changed in place.
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
    return change_images(images, chosen, lambda some, _: some.flip(3))


def random_crop(images: Tensor, generator: Generator, probability: float = 0.5) -> Tensor:
    """Enlarge by 1.125 (bilinear) and crop the original size at a random position: torchreid's Random2DTranslation."""
    height, width = images.shape[2:]
    chosen = _draw(images, generator) < probability
    top, left = ((_draw(images, generator) * (round(length * 1.125) - length + 1)).long() for length in (height, width))

    def crop(some: Tensor, own: slice) -> Tensor:
        rows = _enlarged(some.permute(0, 2, 3, 1).flatten(2), top[own])
        columns = _enlarged(rows.mT.reshape(len(some), width, 3 * height), left[own])
        return _as_images(columns.reshape(len(some), 3 * width, height).mT)

    return change_images(images, chosen, crop)


def _enlarged(lines: Tensor, start: Tensor) -> Tensor:
    """Of lines (b, n, m), enlarged to 1.125 · n lines by linear interpolation, the n lines (b, n, m) from `start` (b,) on.

    A line's numbers are torch's channels, over which its kernel for a CPU computes many at once.
    """
    count, length, _ = lines.shape
    size = round(length * 1.125)
    as_maps = lines[:, :, None].permute(0, 3, 1, 2)  # channels last in memory
    enlarged = functional.interpolate(as_maps, (size, 1), mode="bilinear", align_corners=False)
    number, line = (torch.arange(total, device=lines.device) for total in (count, length))
    window = (number * size + start)[:, None] + line
    return enlarged.permute(0, 2, 3, 1).flatten(0, 2).index_select(0, window.flatten()).view_as(lines)


def random_pad_crop(images: Tensor, generator: Generator, probability: float = 0.5) -> Tensor:
    """Pad by zeros, an eighth of the size on each side, and crop the original size at a random position, as for CIFAR.

    Zero is ImageNet's mean after normalisation.
    """
    height, width = images.shape[2:]
    (pad_y, pad_x), chosen = (height // 8, width // 8), _draw(images, generator) < probability
    top, left = ((_draw(images, generator) * (2 * pad + 1)).long() for pad in (pad_y, pad_x))
    rows, columns = (torch.arange(length, device=images.device) for length in (height, width))

    def crop(some: Tensor, own: slice) -> Tensor:
        padded = functional.pad(some, (pad_x, pad_x, pad_y, pad_y)).permute(0, 2, 3, 1)
        number = torch.arange(len(some), device=some.device)[:, None, None]
        cropped = padded[number, (top[own, None] + rows)[:, :, None], (left[own, None] + columns)[:, None]]
        return cropped.permute(0, 3, 1, 2)

    return change_images(images, chosen, crop)


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
    box = draw_rectangles(images, generator, area, aspect)
    draw = torch.rand((6, count), generator=generator, device=images.device)
    number = torch.arange(count, device=images.device)
    source = (number + 1 + (draw[1] * (count - 1)).long()) % count if count > 1 else number
    angle = (draw[5] * 20 - 10).deg2rad() * (_draw(images, generator) < 0.5)
    flipped = torch.where(draw[4] < 0.5, -1.0, 1.0)
    last_y, last_x = (box.height - 1).clamp_max(height - 1), (box.width - 1).clamp_max(width - 1)  # also if none fits
    centres = box.top + last_y / 2, box.left + last_x / 2, last_y / 2, last_x / 2
    turns = angle.cos(), angle.sin(), flipped * angle.cos(), flipped * angle.sin()
    drawn = torch.stack([*centres, *turns, last_y, last_x], dim=1)
    top, left = (draw[2] * (height - last_y)).long(), (draw[3] * (width - last_x)).long()  # of the patches
    first = (source * height + top) * width + left  # pixel of each patch, among those of all images
    mean, std = _constants(images.device)
    pixels, black = images.permute(0, 2, 3, 1).reshape(-1, 3), -mean / std

    def patch(own: Tensor, y: Tensor, x: Tensor) -> Tensor:
        # From which position in its patch each pixel of the image comes.
        to_y, to_x, centre_y, centre_x, cos, sin, cos_x, sin_x, last_y, last_x = drawn[own].unbind(-1)
        y, x = y - to_y, x - to_x
        from_y = (cos * y - sin * x + centre_y).round()
        from_x = (sin_x * y + cos_x * x + centre_x).round()
        patch_y, patch_x = from_y.clamp_min(0).minimum(last_y), from_x.clamp_min(0).minimum(last_x)
        outside = (patch_y != from_y) | (patch_x != from_x)
        number = (patch_y * width + patch_x).long() + first[own]
        patches = pixels.index_select(0, number.flatten()).view(*number.shape, 3)
        for channel, value in zip(patches.unbind(-1), black, strict=True):
            channel.masked_fill_(outside, value)
        return patches

    return fill_rectangles(images, box, draw[0] < probability, patch)


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
    more = draw
    if saturation or hue:
        more = torch.rand((2, len(images)), generator=generator, device=images.device)[:, :, None, None, None]

    def jitter(some: Tensor, own: slice) -> Tensor:
        colours = _colours(some)
        brighter = (colours * (1 + brightness * (2 * draw[1, own] - 1))).clamp(0, 1)
        grey = luminance(brighter.mean(dim=(2, 3), keepdim=True))
        changed = (grey + (brighter - grey) * (1 + contrast * (2 * draw[2, own] - 1))).clamp(0, 1)
        if saturation or hue:
            grey = luminance(changed)
            changed = (grey + (changed - grey) * (1 + saturation * (2 * more[0, own] - 1))).clamp(0, 1)
        return _normalised(turn_hue(changed, hue * (2 * more[1, own] - 1)) if hue else changed)

    return change_images(images, draw[0, :, 0, 0, 0] < probability, jitter)


def random_grey(images: Tensor, generator: Generator, probability: float = 0.5) -> Tensor:
    """Give each pixel its luminance in all three channels."""
    chosen = _draw(images, generator) < probability
    return change_images(images, chosen, lambda some, _: _normalised(luminance(_colours(some)).expand_as(some)))


def random_trivial(images: Tensor, generator: Generator, probability: float = 0.5) -> Tensor:
    """Change by one operation of TrivialAugment: see `trivial_augment`."""
    chosen = _draw(images, generator) < probability
    operations, strengths = draw_operations(images, generator)

    def change(some: Tensor, own: slice) -> Tensor:
        return _normalised(trivial_augment(_colours(some).clamp(0, 1), operations[own], strengths[own]))

    return change_images(images, chosen, change)


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
    box = draw_rectangles(images, generator, area, aspect)
    chosen = _draw(images, generator) < probability
    fill, _ = _constants(images.device)
    return fill_rectangles(images, box, chosen, lambda *_: fill[None, None, None])


def _draw(images: Tensor, generator: Generator) -> Tensor:
    return torch.rand(len(images), generator=generator, device=images.device)


# In torchreid's order, with what it does not have before the patches; the setting of that name is the probability.
AUGMENTATIONS: dict[str, Augmentation] = {
    "flip": random_flip,
    "crop": random_crop,
    "pad_crop": random_pad_crop,
    "auto_augment": random_trivial,
    "patch": random_patch,
    "jitter": random_jitter,
    "grey": random_grey,
    "erase": random_erase,
}
