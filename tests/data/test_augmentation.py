from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator, Tensor

from scalereid.data.augmentation import (
    PIXEL_MEAN,
    PIXEL_STD,
    augment,
    normalise,
    random_crop,
    random_erase,
    random_flip,
)


def generator(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def images(number: int = 32, height: int = 32, width: int = 16) -> Tensor:
    return torch.randn(number, 3, height, width, generator=generator(9))


def test_normalise_is_the_slow_formula() -> None:
    pixels = torch.randint(0, 256, (2, 4, 3, 3), dtype=torch.uint8)
    result = normalise(pixels)
    assert result.shape == (2, 3, 4, 3)
    assert result.is_contiguous(memory_format=torch.channels_last)
    for b, y, x, c in np.ndindex(2, 4, 3, 3):
        expected = (int(pixels[b, y, x, c]) / 255 - PIXEL_MEAN[c]) / PIXEL_STD[c]
        assert float(result[b, c, y, x]) == pytest.approx(expected, abs=1e-6)


def test_flip_mirrors_about_half() -> None:
    before = images(1000, 4, 3)
    after = random_flip(before, generator(), 0.5)
    flipped = (after == before.flip(3)).flatten(1).all(dim=1)
    kept = (after == before).flatten(1).all(dim=1)
    assert (flipped ^ kept).all()
    assert 430 < flipped.sum() < 570


def test_crop_is_a_window_of_the_enlarged_image() -> None:
    """Against Pillow's own enlargement of each image; every offset occurs."""
    height, width = 16, 8
    before = images(400, height, width)
    after = random_crop(before, generator(), 1.0)
    seen = set()
    for image, result in zip(before[:200], after[:200], strict=True):
        enlarged = np.stack(
            [
                np.asarray(Image.fromarray(channel.numpy()).resize((9, 18), Image.Resampling.BILINEAR))
                for channel in image
            ]
        )
        windows = {
            (top, left): enlarged[:, top : top + height, left : left + width] for top in range(3) for left in range(2)
        }
        nearest = min(windows, key=lambda place: float(np.abs(windows[place] - result.numpy()).max()))
        np.testing.assert_allclose(windows[nearest], result.numpy(), atol=1e-5)
        seen.add(nearest)
    assert seen == {(top, left) for top in range(3) for left in range(2)}


def test_erase_covers_one_rectangle_of_the_published_sizes() -> None:
    before = images(500, 64, 32)
    after = random_erase(before, generator(), 1.0)
    fill = torch.tensor(PIXEL_MEAN)[:, None, None]
    areas = []
    for image, result in zip(before, after, strict=True):
        covered = (result != image).any(dim=0)
        rows, columns = covered.any(dim=1).nonzero().flatten(), covered.any(dim=0).nonzero().flatten()
        assert covered[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()  # a rectangle
        assert ((result == fill) | ~covered).all()
        height, width = len(rows), len(columns)
        areas.append(height * width / (64 * 32))
        assert 0.25 < height / width < 4  # 0.3 … 3.33 before rounding to pixels
    assert min(areas) < 0.05
    assert max(areas) > 0.3
    assert 0.01 < min(areas) <= max(areas) < 0.42


def test_erase_leaves_about_half_alone() -> None:
    before = images(1000, 16, 8)
    untouched = (random_erase(before, generator(), 0.5) == before).flatten(1).all(dim=1).sum()
    assert 430 < untouched < 570


@pytest.mark.parametrize("step", [random_flip, random_crop, random_erase])
def test_probability_zero_changes_nothing_and_equal_seeds_give_equal_images(step: object) -> None:
    assert callable(step)
    before = images()
    assert torch.equal(step(before, generator(), 0.0), before)
    assert torch.equal(step(before, generator(3)), step(before, generator(3)))
    assert not torch.equal(step(before, generator(3)), step(before, generator(4)))


def test_augment_applies_the_steps_in_order() -> None:
    before, all_steps = images(), partial(augment, flip=0.5, crop=0.5, erase=0.5)
    g = generator(1)
    by_hand = random_erase(random_crop(random_flip(before, g, 0.5), g, 0.5), g, 0.5)
    assert torch.equal(all_steps(before, generator(1)), by_hand)
    assert torch.equal(augment(before, generator(1), flip=0, crop=0, erase=0), before)
