import numpy as np
import pytest
from PIL import Image

from scalereid.detection.placing import Fit, place

SQUARE = Image.new("RGB", (40, 20), (200, 10, 50))  # twice as wide as high


@pytest.mark.parametrize(
    ("fit", "rows", "columns"),
    [
        ("corner", slice(0, 30), slice(0, 60)),
        ("centre", slice(15, 45), slice(0, 60)),
        ("stretch", slice(0, 60), slice(0, 60)),
    ],
)
def test_where_a_picture_is(fit: Fit, rows: slice, columns: slice) -> None:
    placed = place(SQUARE, (60, 60), fit, 114)
    expected = np.full((60, 60, 3), 114, np.uint8)
    expected[rows, columns] = 200, 10, 50
    np.testing.assert_array_equal(placed.pixels, expected)
    whole = np.array([[columns.start, rows.start, columns.stop, rows.stop]])
    np.testing.assert_allclose(placed.back(whole), [[0, 0, 40, 20]])


@pytest.mark.parametrize("fit", ["corner", "centre", "stretch"])
@pytest.mark.parametrize("size", [(640, 480), (7, 900), (333, 77), (1, 1), (3000, 200)])
def test_a_box_comes_back_to_where_it_is_seen(fit: Fit, size: tuple[int, int]) -> None:
    """A white part of a black picture is white where its box goes, and its box comes back."""
    picture = Image.new("RGB", size)
    left, top, right, bottom = (round(share * side) for share, side in zip((0.2, 0.1, 0.7, 0.9), size * 2, strict=True))
    picture.paste((255, 255, 255), (left, top, right, bottom))
    placed = place(picture, (128, 96), fit, 0)
    white = placed.pixels[..., 0] > 127
    if not white.any():  # too small to be seen
        assert min(size) * min(placed.scale) < 4
        return
    rows, columns = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
    seen = np.array([[columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]])
    np.testing.assert_allclose(placed.back(seen), [[left, top, right, bottom]], atol=1 / min(placed.scale))


def test_a_large_picture_is_shrunk_as_well_in_two_steps() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (900, 1200, 3), np.uint8))
    smooth = noise.resize((60, 45)).resize((1200, 900), Image.Resampling.BICUBIC)
    exact = np.asarray(smooth.resize((100, 75), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(place(smooth, (75, 100), "stretch", 0).pixels - exact).max() <= 6
