import numpy as np
import pytest
from PIL import Image

from scalereid.data.framing import cut, middle, random_box


def test_the_middle_is_224_of_256_pixels() -> None:
    """As resizing the shorter side to 256 and cropping the middle 224."""
    assert middle((256, 256), (224, 224)) == (16, 16, 240, 240)
    assert middle((512, 256), (224, 224)) == (144, 16, 368, 240)
    assert middle((500, 375), (224, 224)) == pytest.approx((85.9375, 23.4375, 414.0625, 351.5625))
    assert middle((64, 128), (256, 128)) == (4, 8, 60, 120)  # of people: the shape is the image size's


@pytest.mark.parametrize("size", [(500, 375), (40, 900)])
def test_windows_are_anywhere_and_of_one_size(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    boxes = np.array([random_box(size, (224, 224), "window", random) for _ in range(2000)])
    side = 7 / 8 * min(size)
    np.testing.assert_allclose(boxes[:, 2:] - boxes[:, :2], side)
    assert boxes.min() >= 0 and (boxes[:, 2:] <= size).all()
    np.testing.assert_allclose(boxes[:, :2].mean(axis=0), (np.array(size) - side) / 2, rtol=0.1)
    np.testing.assert_allclose(boxes[:, :2].max(axis=0), np.array(size) - side, rtol=0.02)


def test_resized_crops_have_random_areas_and_shapes() -> None:
    random = np.random.default_rng(0)
    boxes = np.array([random_box((400, 400), (224, 224), "resized-crop", random) for _ in range(3000)])
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    areas, ratios = width * height / 160_000, width / height
    assert areas.min() == pytest.approx(0.08, abs=0.01) and areas.max() > 0.95
    assert ratios.min() == pytest.approx(3 / 4, abs=0.01) and ratios.max() == pytest.approx(4 / 3, abs=0.01)
    assert boxes.min() >= 0 and boxes.max() <= 400


def test_the_middle_where_no_crop_fits() -> None:
    assert random_box((4, 4000), (224, 224), "resized-crop", np.random.default_rng(0)) == middle((4, 4000), (224, 224))


def test_a_cut_is_the_part_itself() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    found = cut(Image.fromarray(pixels), (10, 5, 26, 37), (32, 16))
    np.testing.assert_array_equal(found, pixels[5:37, 10:26])
