"""Each operation against Pillow's, on images of 256 levels."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Generator, Tensor

from scalereid.data.trivial_augment import OPERATIONS, draw_operations, trivial_augment

HEIGHT, WIDTH = 40, 24


def pictures(number: int = 6) -> Tensor:
    """Smooth pictures (b, 3, h, w) of whole levels, of different contrast."""
    noise = torch.rand((number, 3, 6, 4), generator=Generator().manual_seed(1))
    scale = torch.linspace(0.2, 1, number).view(-1, 1, 1, 1)
    smooth = torch.nn.functional.interpolate(noise, (HEIGHT, WIDTH), mode="bicubic") * scale + 0.1
    return (smooth.clamp(0, 1) * 255).round()


def changed(images: Tensor, name: str, strength: float) -> Tensor:
    """Images of levels, changed."""
    operations = torch.full((len(images),), OPERATIONS.index(name))
    return trivial_augment(images / 255, operations, torch.full((len(images),), strength)) * 255


def by_pillow(images: Tensor, function: Callable[[Image.Image], Image.Image]) -> Tensor:
    results = []
    for image in images:
        result = function(Image.fromarray(image.byte().permute(1, 2, 0).numpy()))
        results.append(torch.from_numpy(np.array(result)).permute(2, 0, 1).float())
    return torch.stack(results)


@pytest.mark.parametrize(
    ("name", "strength", "function", "tolerance"),
    [
        ("identity", 0.7, lambda image: image, 0),
        ("auto-contrast", 0.7, ImageOps.autocontrast, 1),
        ("equalize", 0.7, ImageOps.equalize, 0),
        ("solarize", 1.0, lambda image: ImageOps.solarize(image, 0), 0),
        ("solarize", 0.0, lambda image: ImageOps.solarize(image, 128), 0),
        ("solarize", -1.0, lambda image: ImageOps.solarize(image, 256), 0),
        ("posterize", 1.0, lambda image: ImageOps.posterize(image, 4), 0),
        ("posterize", 0.0, lambda image: ImageOps.posterize(image, 6), 0),
        ("posterize", -1.0, lambda image: ImageOps.posterize(image, 8), 0),
        ("colour", 1.0, lambda image: ImageEnhance.Color(image).enhance(1.9), 2),
        ("colour", -1.0, lambda image: ImageEnhance.Color(image).enhance(0.1), 2),
        ("contrast", 0.5, lambda image: ImageEnhance.Contrast(image).enhance(1.45), 2),
        ("contrast", -0.5, lambda image: ImageEnhance.Contrast(image).enhance(0.55), 2),
        ("brightness", 0.5, lambda image: ImageEnhance.Brightness(image).enhance(1.45), 1),
        ("brightness", -1.0, lambda image: ImageEnhance.Brightness(image).enhance(0.1), 1),
        ("sharpness", 1.0, lambda image: ImageEnhance.Sharpness(image).enhance(1.9), 2),
        ("sharpness", -1.0, lambda image: ImageEnhance.Sharpness(image).enhance(0.1), 2),
    ],
)
def test_colours_are_as_pillow_changes_them(
    name: str, strength: float, function: Callable[[Image.Image], Image.Image], tolerance: float
) -> None:
    images = pictures()
    found, expected = changed(images, name, strength), by_pillow(images, function)
    torch.testing.assert_close(found, expected, rtol=0, atol=tolerance + 1e-3)
    if name not in ("identity", "posterize", "solarize"):
        assert (found - images).abs().max() > 5


@pytest.mark.parametrize(
    ("name", "strength", "function"),
    [
        ("rotate", 1.0, lambda image: image.rotate(30)),
        ("rotate", -0.4, lambda image: image.rotate(-12)),
        ("shear-x", 1.0, lambda image: affine(image, (1, 0.3, -0.3 * HEIGHT / 2, 0, 1, 0))),
        ("shear-y", -1.0, lambda image: affine(image, (1, 0, 0, -0.3, 1, 0.3 * WIDTH / 2))),
        ("translate-x", 0.8, lambda image: affine(image, (1, 0, 6, 0, 1, 0))),
        ("translate-y", -0.5, lambda image: affine(image, (1, 0, 0, 0, 1, -5 / 32 * HEIGHT))),
    ],
)
def test_shapes_are_as_pillow_changes_them(name: str, strength: float, function: Callable[..., Image.Image]) -> None:
    """But for pixels that lie half way between two, and so on either side of the border."""
    images = pictures()
    found, expected = changed(images, name, strength), by_pillow(images, function)
    differs = (found - expected).abs().amax(dim=1)
    assert float((differs > 12).float().mean()) < 0.03
    assert float((found.amax(dim=1) == 0).float().mean()) > 0.02  # black outside
    assert (found - images).abs().mean() > 3


def affine(image: Image.Image, matrix: tuple[float, ...]) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, matrix)


@pytest.mark.parametrize("level", [0, 90, 255])
def test_an_even_picture_stays_or_becomes_another_even_one(level: int) -> None:
    even = torch.full((1, 3, HEIGHT, WIDTH), float(level))
    for name in ("auto-contrast", "equalize"):
        torch.testing.assert_close(changed(even, name, 0.3), even)
    for name in OPERATIONS:
        assert changed(even, name, 1.0).isfinite().all()


def test_images_are_changed_each_by_its_own_operation() -> None:
    images, count = pictures(), len(OPERATIONS)
    many = images[:1].expand(count, -1, -1, -1) / 255
    together = trivial_augment(many, torch.arange(count), torch.linspace(-1, 1, count))
    for number, strength in enumerate(torch.linspace(-1, 1, count)):
        alone = trivial_augment(many[:1], torch.tensor([number]), strength[None])
        torch.testing.assert_close(together[number], alone[0])
    assert len({tuple(image.flatten().tolist()) for image in together}) >= count - 1


def test_every_operation_is_drawn_about_equally_often() -> None:
    operations, strengths = draw_operations(torch.zeros(14_000), Generator().manual_seed(0))
    counts = operations.bincount(minlength=14)
    assert len(counts) == 14
    assert 880 < int(counts.min()) <= int(counts.max()) < 1120
    assert strengths.min() < -0.99
    assert strengths.max() > 0.99
    assert abs(float(strengths.mean())) < 0.02
