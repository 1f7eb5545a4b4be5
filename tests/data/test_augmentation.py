import colorsys
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator, Tensor

from scalereid.data.augmentation import (
    AUGMENTATIONS,
    Augmentation,
    augment,
    normalise,
    random_crop,
    random_erase,
    random_flip,
    random_grey,
    random_jitter,
    random_pad_crop,
    random_patch,
    random_trivial,
    try_augmentation,
)
from scalereid.data.normalisation import PIXEL_MEAN, PIXEL_STD


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
    after = random_flip(before.clone(), generator(), 0.5)
    flipped = (after == before.flip(3)).flatten(1).all(dim=1)
    kept = (after == before).flatten(1).all(dim=1)
    assert (flipped ^ kept).all()
    assert 430 < flipped.sum() < 570


def test_crop_is_a_window_of_the_enlarged_image() -> None:
    """Against Pillow's own enlargement of each image; every offset occurs."""
    height, width = 16, 8
    before = images(400, height, width)
    after = random_crop(before.clone(), generator(), 1.0)
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


def test_a_padded_crop_is_the_image_moved_and_zeros() -> None:
    height, width = 16, 8  # padded by 2 and by 1
    before = images(300, height, width)
    after = random_pad_crop(before.clone(), generator(), 1.0)
    seen = set()
    for image, result in zip(before, after, strict=True):
        padded = np.pad(image.numpy(), ((0, 0), (2, 2), (1, 1)))
        windows = {
            (top, left): padded[:, top : top + height, left : left + width] for top in range(5) for left in range(3)
        }
        seen |= {place for place, window in windows.items() if np.array_equal(window, result.numpy())}
    assert seen == {(top, left) for top in range(5) for left in range(3)}


def test_erase_covers_one_rectangle_of_the_published_sizes() -> None:
    before = images(500, 64, 32)
    after = random_erase(before.clone(), generator(), 1.0)
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
    untouched = (random_erase(before.clone(), generator(), 0.5) == before).flatten(1).all(dim=1).sum()
    assert 430 < untouched < 570


@pytest.mark.parametrize("step", AUGMENTATIONS.values(), ids=AUGMENTATIONS)
def test_probability_zero_changes_nothing_and_equal_seeds_give_equal_images(step: object) -> None:
    assert callable(step)
    before = images()
    assert torch.equal(step(before.clone(), generator(), 0.0), before)
    assert torch.equal(step(before.clone(), generator(3)), step(before.clone(), generator(3)))
    assert not torch.equal(step(before.clone(), generator(3)), step(before.clone(), generator(4)))


@pytest.mark.parametrize("step", AUGMENTATIONS.values(), ids=AUGMENTATIONS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_chosen_images_alone_change_as_where_all_are_computed(
    step: Augmentation, layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a GPU computes them."""
    before = images().contiguous(memory_format=layout)
    chosen = step(before.clone(), generator(3), 0.5)
    monkeypatch.setattr("scalereid.data.chosen._computes_all", lambda _: True)
    kept = before.clone()
    torch.testing.assert_close(step(kept, generator(3), 0.5), chosen, rtol=1e-6, atol=1e-6)
    assert torch.equal(kept, before)


@pytest.mark.parametrize("computes_all", [False, True])
def test_where_no_rectangle_fits_the_image_stays(computes_all: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.data.chosen._computes_all", lambda _: computes_all)
    before = images()
    for aspect in ((30.0, 40.0), (1 / 40, 1 / 30)):
        for step in (random_patch, random_erase):
            assert torch.equal(step(before.clone(), generator(), 1.0, area=(0.8, 0.9), aspect=aspect), before)


def test_augment_applies_the_steps_in_order() -> None:
    before, all_steps = images(), partial(augment, steps=[(step, 0.5) for step in AUGMENTATIONS.values()])
    g = generator(1)
    by_hand = before.clone()
    steps = (
        random_flip,
        random_crop,
        random_pad_crop,
        random_trivial,
        random_patch,
        random_jitter,
        random_grey,
        random_erase,
    )
    for step in steps:
        by_hand = step(by_hand, g, 0.5)
    assert torch.equal(all_steps(before.clone(), generator(1)), by_hand)
    assert torch.equal(augment(before, generator(1), [(random_flip, 0.0)]), before)


def test_patch_pastes_a_piece_of_another_image() -> None:
    """Images that tell where each pixel is from: channel 0 the image, 1 and 2 row and column. Unturned pieces are whole."""
    count, height, width = 300, 24, 12
    number = torch.arange(count).view(-1, 1, 1).expand(count, height, width)
    y = torch.arange(height).view(1, -1, 1).expand_as(number)
    x = torch.arange(width).view(1, 1, -1).expand_as(number)
    before = torch.stack([number, y, x], dim=1).float()
    after = random_patch(before.clone(), generator(), 1.0)
    black = -torch.tensor(PIXEL_MEAN) / torch.tensor(PIXEL_STD)
    mirrored, turned, areas = [], 0, []
    for i, (image, result) in enumerate(zip(before, after, strict=True)):
        changed = (result != image).any(dim=0)
        is_black = torch.isclose(result, black[:, None, None]).all(dim=0)
        rows, columns = changed.any(dim=1).nonzero().flatten(), changed.any(dim=0).nonzero().flatten()
        box = result[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        areas.append(box[0].numel() / (height * width))
        pasted = result[:, changed & ~is_black]
        assert len(pasted[0].unique()) == 1  # all of one image …
        assert int(pasted[0, 0]) != i  # … and of another
        down, across = box[1].diff(dim=0), box[2].diff(dim=1)
        whole = (down == 1).all() and (across.abs() == 1).all() and not is_black.any()
        if not whole:
            turned += 1
        elif across.numel():
            assert len(across.unique()) == 1  # read from left to right, or all from right to left
            mirrored.append(bool((across == -1).all()))
    assert 0.3 < np.mean(mirrored) < 0.7
    assert 0.2 < turned / count < 0.6  # half, less those turned by too little to show
    assert max(areas) > 0.4
    assert min(areas) < 0.05


def test_a_turned_patch_loses_its_corners_alone() -> None:
    size = 41
    before = torch.zeros(2, 3, size + 20, size + 20)
    before[:, 0] = torch.arange((size + 20) ** 2).view(size + 20, size + 20) / 1000
    share = size**2 / (size + 20) ** 2
    turned = set()
    for seed in range(40):
        after = random_patch(before.clone(), generator(seed), 1.0, area=(share, share), aspect=(1.0, 1.0))
        for result in after:
            changed = (result != before[0]).any(dim=0)
            rows, columns = changed.any(dim=1).nonzero().flatten(), changed.any(dim=0).nonzero().flatten()
            if len(rows) < size or len(columns) < size:
                continue
            box = result[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            inside = box[0][box[1] == 0]  # not black
            lost = 1 - len(inside) / box[0].numel()
            turned.add(round(lost, 2))
            assert lost < 0.1  # a square turned by 10° leaves 8 % of its place empty
    assert max(turned) > 0.05
    assert min(turned) < 0.01


def test_patch_needs_another_image() -> None:
    alone = images(1)
    assert random_patch(alone.clone(), generator(), 1.0).shape == alone.shape


def test_jitter_changes_brightness_and_contrast_within_bounds() -> None:
    mean, std = torch.tensor(PIXEL_MEAN)[:, None, None], torch.tensor(PIXEL_STD)[:, None, None]
    colours = torch.rand(2000, 3, 6, 4, generator=generator(5)) * 0.5 + 0.25
    before = (colours - mean) / std
    after = random_jitter(before.clone(), generator(), 1.0, contrast=0.0) * std + mean
    factor = (after / colours).flatten(1)
    assert float(factor.std(dim=1).max()) < 1e-5  # one factor for an image
    assert 0.8 <= float(factor.min()) < 0.82
    assert 1.18 < float(factor.max()) <= 1.2 + 1e-5
    after = random_jitter(before.clone(), generator(), 1.0, brightness=0.0) * std + mean
    grey = (
        (colours * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=1).mean(dim=(1, 2))[:, None, None, None]
    )
    stretch = ((after - grey) / (colours - grey)).flatten(1).median(dim=1).values
    assert 0.85 <= float(stretch.min()) < 0.87
    assert 1.13 < float(stretch.max()) <= 1.15 + 1e-4
    torch.testing.assert_close(after, grey + stretch[:, None, None, None] * (colours - grey), atol=1e-4, rtol=1e-3)


def test_jitter_keeps_colours_in_their_range() -> None:
    mean, std = torch.tensor(PIXEL_MEAN)[:, None, None], torch.tensor(PIXEL_STD)[:, None, None]
    white = ((torch.ones(50, 3, 4, 4) - mean) / std).contiguous()
    after = random_jitter(white.clone(), generator(), 1.0) * std + mean
    assert float(after.max()) <= 1 + 1e-5
    untouched = (random_jitter(white.clone(), generator(), 0.5) == white).flatten(1).all(dim=1)
    assert 10 < int(untouched.sum()) < 45


def test_saturation_and_hue_leave_jitter_as_it_was_while_they_are_off() -> None:
    """The same numbers are drawn for brightness and contrast; a strength of one that is there changes colours alone."""
    before = images()
    plain = random_jitter(before.clone(), generator(2), 0.5)
    assert torch.equal(plain, random_jitter(before.clone(), generator(2), 0.5, saturation=0.0, hue=0.0))
    more = random_jitter(before.clone(), generator(2), 0.5, saturation=0.5)
    changed = (plain != before).flatten(1).any(dim=1)
    assert torch.equal(more[~changed], before[~changed])
    assert not torch.equal(more, plain)


def test_saturation_stretches_about_each_pixels_luminance() -> None:
    mean, std = torch.tensor(PIXEL_MEAN)[:, None, None], torch.tensor(PIXEL_STD)[:, None, None]
    colours = torch.rand(500, 3, 6, 4, generator=generator(5)) * 0.2 + 0.4
    after = (
        random_jitter((colours - mean) / std, generator(), 1.0, brightness=0, contrast=0, saturation=0.5) * std + mean
    )
    grey = (colours * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(dim=1, keepdim=True)
    factor = ((after - grey) / (colours - grey)).flatten(1).median(dim=1).values
    torch.testing.assert_close(after, grey + factor.view(-1, 1, 1, 1) * (colours - grey), atol=1e-4, rtol=1e-3)
    assert 0.5 <= float(factor.min()) < 0.52
    assert 1.48 < float(factor.max()) <= 1.5 + 1e-3


def test_hue_turns_the_same_way_for_all_pixels_of_an_image() -> None:
    mean, std = torch.tensor(PIXEL_MEAN)[:, None, None], torch.tensor(PIXEL_STD)[:, None, None]
    colours = torch.rand(200, 3, 2, 2, generator=generator(5))
    jittered = random_jitter((colours - mean) / std, generator(), 1.0, brightness=0, contrast=0, hue=0.1) * std + mean
    turns = []
    for image, result in zip(colours.permute(0, 2, 3, 1), jittered.permute(0, 2, 3, 1), strict=True):
        pixels = zip(image.reshape(-1, 3).tolist(), result.clamp(0, 1).reshape(-1, 3).tolist(), strict=True)
        by_pixel = []
        for one, other in pixels:
            (hue, saturation, value), (turned, *rest) = colorsys.rgb_to_hsv(*one), colorsys.rgb_to_hsv(*other)
            assert rest == pytest.approx([saturation, value], abs=1e-4)
            if saturation > 0.1:
                by_pixel.append((turned - hue + 0.5) % 1 - 0.5)
        assert max(by_pixel) - min(by_pixel) < 1e-3
        turns.append(by_pixel[0])
    assert -0.1 <= min(turns) < -0.09
    assert 0.09 < max(turns) <= 0.1001


def test_grey_images_have_their_luminance_in_all_channels() -> None:
    mean, std = torch.tensor(PIXEL_MEAN)[:, None, None], torch.tensor(PIXEL_STD)[:, None, None]
    colours = torch.rand(300, 3, 4, 3, generator=generator(5))
    before = (colours - mean) / std
    after = random_grey(before.clone(), generator(), 0.3)
    changed = (after != before).flatten(1).any(dim=1)
    assert 60 < int(changed.sum()) < 120
    pixels = (colours[changed] * 255).round().byte()
    grey = (after[changed] * std + mean) * 255
    for image, result in zip(pixels, grey, strict=True):
        expected = np.asarray(Image.fromarray(image.permute(1, 2, 0).numpy()).convert("L"))
        for channel in result:
            np.testing.assert_allclose(channel, expected, atol=1.01)  # Pillow rounds


def test_trivial_augment_leaves_about_its_share_alone() -> None:
    before = images(1000, 16, 8)
    untouched = (random_trivial(before.clone(), generator(), 0.1) == before).flatten(1).all(dim=1).sum()
    assert 870 < untouched < 940


def test_a_good_augmentation_passes_the_trial() -> None:
    for name, augmentation in AUGMENTATIONS.items():
        try_augmentation(name, augmentation, (64, 32), torch.device("cpu"))


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        (
            lambda images, *_: images[:, :, ::2],
            r"mine returns \(2, 3, 32, 32\) of torch.float32; expected images \(2, 3, 64, 32\)",
        ),
        (lambda images, *_: images.half(), "mine returns .* of torch.float16; expected"),
        (lambda *_: None, r"mine returns a value of type NoneType; expected images \(2, 3, 64, 32\)"),
        (lambda images, *_: images / 0, "mine returns 12288 values that are infinite or not a number"),
        (lambda images: images, r"mine fails on images \(2, 3, 64, 32\): TypeError: .*takes 1 positional argument"),
    ],
)
def test_what_is_wrong_with_an_augmentation_is_named(augmentation: Augmentation, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        try_augmentation("mine", augmentation, (64, 32), torch.device("cpu"))
