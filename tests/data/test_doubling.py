from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scalereid.data.doubling import doubled
from scalereid.data.images import resize


@pytest.mark.parametrize("size", [(128, 64), (1, 1), (1, 5), (5, 1), (2, 3), (37, 19), (64, 32)])
@pytest.mark.parametrize("values", ["noise", "extremes", "smooth"])
def test_it_is_pillows_bilinear_filter(size: tuple[int, int], values: str) -> None:
    rng = np.random.default_rng(sum(size))
    pixels = {
        "noise": rng.integers(0, 256, (*size, 3), np.uint8),
        "extremes": rng.choice(np.array([0, 255], np.uint8), (*size, 3)),
        "smooth": np.asarray(Image.fromarray(rng.integers(0, 256, (4, 3, 3), np.uint8)).resize(size[::-1])),
    }[values]
    image = Image.fromarray(pixels)
    expected = np.asarray(image.resize((2 * size[1], 2 * size[0]), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(doubled(pixels), expected)
    np.testing.assert_array_equal(resize(image, (2 * size[0], 2 * size[1])), expected)


def test_real_people(data_root: Path) -> None:
    for file in sorted((data_root / "Market-1501-v15.09.15" / "bounding_box_train").glob("*.jpg"))[::100]:
        with Image.open(file) as image:
            expected = image.resize((128, 256), Image.Resampling.BILINEAR)
            np.testing.assert_array_equal(doubled(np.asarray(image)), np.asarray(expected))
