"""Each degradation against what it says, on pictures of which every pixel is known."""

import numpy as np
import pytest
from PIL import Image

from scalereid.data.degrading import GREY, blurred, darkened, occluded, shrunk


@pytest.fixture
def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 20, 3), dtype=np.uint8))


def test_the_lower_part_is_grey(picture: Image.Image) -> None:
    before, after = np.asarray(picture), np.asarray(occluded(picture, 0.4))
    assert (after[24:] == GREY).all()
    assert np.array_equal(after[:24], before[:24])
    assert np.array_equal(np.asarray(occluded(picture, 0)), before)
    assert (np.asarray(occluded(picture, 1)) == GREY).all()
    assert np.array_equal(np.asarray(picture), before)


def test_gamma(picture: Image.Image) -> None:
    before, after = np.asarray(picture), np.asarray(darkened(picture, 2))
    assert np.array_equal(after, (255 * (before / 255) ** 2).round().astype(np.uint8))
    assert np.array_equal(np.asarray(darkened(picture, 1)), before)
    assert np.asarray(darkened(picture, 0.5)).mean() > before.mean() > after.mean()


def test_blur_is_a_share_of_the_height() -> None:
    """The variance of a blurred point is that of the Gaussian."""
    for height, share in ((100, 0.04), (200, 0.02)):
        point = np.zeros((height, 101, 3), np.uint8)
        point[height // 2, 30:71] = 255  # a line, whose profile is what a point's would be
        profile = np.asarray(blurred(Image.fromarray(point), share))[:, 50, 0].astype(float)
        at = np.arange(height)
        mean = (profile * at).sum() / profile.sum()
        assert mean == pytest.approx(height // 2, abs=0.1)
        assert (profile * (at - mean) ** 2).sum() / profile.sum() == pytest.approx((share * height) ** 2, rel=0.15)


def test_smaller_in_its_frame() -> None:
    pixels = np.full((40, 20, 3), 200, np.uint8)
    pixels[10:30, 5:15] = (0, 100, 50)
    after = np.asarray(shrunk(Image.fromarray(pixels), 0.5))
    assert after.shape == (40, 20, 3)
    assert (after[:10] == 200).all()  # the colour of the edges
    assert tuple(after[20, 10]) == (0, 100, 50)
    assert tuple(after[16, 8]) == (0, 100, 50)
    assert tuple(after[12, 10]) == (200, 200, 200)
    assert np.array_equal(np.asarray(shrunk(Image.fromarray(pixels), 1)), pixels)
