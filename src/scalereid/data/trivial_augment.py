"""TrivialAugment on whole batches: one of fourteen changes for each image, of random strength."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor
from torch.nn import functional

from scalereid.data.chosen import change_images
from scalereid.data.colour import luminance

OPERATIONS = (
    *("identity", "auto-contrast", "equalize", "rotate", "solarize", "colour", "posterize"),
    *("contrast", "brightness", "sharpness", "shear-x", "shear-y", "translate-x", "translate-y"),
)
MOVES = ("rotate", "shear-x", "shear-y", "translate-x", "translate-y")
TABLES = ("auto-contrast", "equalize", "solarize", "posterize")
MIXES = ("brightness", "colour", "contrast", "sharpness")
ROTATION = 30.0  # degrees
SHEAR = 0.3
SHIFT = 10 / 32  # of the side: the paper's 10 pixels are of images of 32
ENHANCE = 0.9  # factors of 1 ± this
LEAST_BITS = 4  # that posterize leaves


def draw_operations(images: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """An operation for each of the images (b, …), as its number in `OPERATIONS`, and a strength from −1 to 1, both (b,)."""
    draw = torch.rand((2, len(images)), generator=generator, device=images.device)
    return (draw[0] * len(OPERATIONS)).long(), 2 * draw[1] - 1


def trivial_augment(colours: Tensor, operations: Tensor, strengths: Tensor) -> Tensor:
    """Change each image by one operation, of a strength, both drawn by `draw_operations`.

    Müller and Hutter, ICCV 2021, arXiv:2103.10158, with the ranges of RandAugment (the paper's "RA"). Strengths are
    continuous where the paper has 31, rotation and shear are about the image's centre. The largest strength is ±1 where an
    operation has two directions; solarize and posterize do most at 1 and least at −1; auto-contrast and equalize have no
    strength.

    Args:
        colours: (b, 3, h, w), from 0 to 1.
        operations: (b,), numbers in `OPERATIONS`.
        strengths: (b,), from −1 to 1.
    """
    masks = {name: operations == number for number, name in enumerate(OPERATIONS)}

    def by(function: Callable[[Tensor, dict[str, Tensor], Tensor], Tensor], some: Tensor, own: slice) -> Tensor:
        chosen = {name: mask[own, None, None, None] for name, mask in masks.items()}
        return function(some, chosen, strengths[own, None, None, None])

    images = colours.clone()
    for names, function in ((MOVES, _move), (TABLES, _look_up), (MIXES, _enhance)):
        of_kind = torch.stack([masks[name] for name in names]).any(dim=0)
        images = change_images(images, of_kind, partial(by, function))
    return images


def _move(colours: Tensor, chosen: dict[str, Tensor], strengths: Tensor) -> Tensor:
    """Rotate, shear and translate: the nearest pixel, black outside. All five at once, four of them by nothing."""
    count, _, height, width = colours.shape
    by = {name: torch.where(mask, strengths, 0)[:, 0] for name, mask in chosen.items()}
    y = torch.arange(height, device=colours.device)[:, None] - (height - 1) / 2
    x = torch.arange(width, device=colours.device)[None, :] - (width - 1) / 2
    angle = (ROTATION * by["rotate"]).deg2rad()
    cos, sin = angle.cos(), angle.sin()
    from_x = cos * x - sin * y + SHEAR * by["shear-x"] * y + SHIFT * by["translate-x"] * width
    from_y = sin * x + cos * y + SHEAR * by["shear-y"] * x + SHIFT * by["translate-y"] * height
    rows, columns = (from_y + (height - 1) / 2).round().long(), (from_x + (width - 1) / 2).round().long()
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    place = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    moved = colours.flatten(2).gather(2, place.view(count, 1, -1).expand(-1, 3, -1)).view_as(colours)
    return torch.where(inside[:, None], moved, 0)


def _look_up(colours: Tensor, chosen: dict[str, Tensor], strengths: Tensor) -> Tensor:
    """Operations on each of 256 levels, by tables (b, 3, 256), as Pillow's ImageOps has them."""
    levels = (colours * 255).round().long().flatten(2)
    counts = torch.zeros((*levels.shape[:2], 256), dtype=torch.long, device=colours.device)
    counts.scatter_add_(2, levels, torch.ones_like(levels))
    level = torch.arange(256, device=colours.device).expand_as(counts)
    share = (1 + strengths[:, :, :, 0]) / 2
    tables = {
        "auto-contrast": _auto_contrast(counts, level),
        "equalize": _equalize(counts, level),
        "solarize": torch.where(level < 256 * (1 - share), level, 255 - level),
        "posterize": level - level % (1 << ((9 - LEAST_BITS) * share).long().clamp_max(8 - LEAST_BITS)),
    }
    table, changed = level, torch.zeros_like(strengths, dtype=torch.bool)
    for name, one in tables.items():
        table, changed = torch.where(chosen[name][..., 0], one, table), changed | chosen[name]
    return torch.where(changed, table.gather(2, levels).view_as(colours) / 255, colours)


def _auto_contrast(counts: Tensor, level: Tensor) -> Tensor:
    """Stretch the levels that occur over all levels."""
    occurs = counts > 0
    lowest = torch.where(occurs, level, 255).amin(dim=2, keepdim=True)
    highest = torch.where(occurs, level, 0).amax(dim=2, keepdim=True)
    stretched = (level - lowest) * 255 // (highest - lowest).clamp_min(1)
    return torch.where(highest > lowest, stretched.clamp(0, 255), level)


def _equalize(counts: Tensor, level: Tensor) -> Tensor:
    """Spread the levels so that each occurs about as often."""
    highest = torch.where(counts > 0, level, 0).amax(dim=2, keepdim=True)
    step = (counts.sum(dim=2, keepdim=True) - counts.gather(2, highest)) // 255
    below = counts.cumsum(dim=2) - counts
    return torch.where(step > 0, ((step // 2 + below) // step.clamp_min(1)).clamp(0, 255), level)


def _enhance(colours: Tensor, chosen: dict[str, Tensor], strengths: Tensor) -> Tensor:
    """Move away from, or towards, a poorer image: black, grey, even or smooth; Pillow's ImageEnhance."""
    grey = luminance(colours)
    kernel = torch.ones((3, 1, 3, 3), device=colours.device)
    kernel[:, :, 1, 1] = 5
    smooth = colours.clone()  # its border stays
    smooth[:, :, 1:-1, 1:-1] = functional.conv2d(colours, kernel / 13, groups=3)
    poorer = {
        "brightness": torch.zeros_like(grey),
        "colour": grey,
        "contrast": grey.mean(dim=(2, 3), keepdim=True),
        "sharpness": smooth,
    }
    base, changed = colours, torch.zeros_like(strengths, dtype=torch.bool)
    for name, one in poorer.items():
        base, changed = torch.where(chosen[name], one, base), changed | chosen[name]
    return torch.where(changed, (base + (colours - base) * (1 + ENHANCE * strengths)).clamp(0, 1), colours)
