import numpy as np
import pytest
from PIL import Image

from scalereid.figures.look.heat import colours, legend, matrix, over


def test_brighter_is_more() -> None:
    brightness = colours(np.linspace(0, 1, 50)) @ [0.299, 0.587, 0.114]
    assert (np.diff(brightness) > 0).all()


def test_a_map_lies_over_its_picture() -> None:
    """The greatest place is light, wherever it is, and the scale does not matter."""
    activation = np.zeros((4, 2), np.float32)
    activation[3, 1] = 2
    drawn = np.asarray(over(Image.new("RGB", (40, 80), (100, 120, 90)), activation), float)
    assert drawn.shape == (80, 40, 3)
    assert drawn[70, 30].sum() > drawn[10, 10].sum() + 150
    again = np.asarray(over(Image.new("RGB", (40, 80), (100, 120, 90)), 7 * activation + 3), float)
    assert np.abs(again - drawn).max() <= 1
    even = np.asarray(over(Image.new("RGB", (40, 80), "white"), np.ones((4, 2))))
    assert (even == even[0, 0]).all()


def test_a_matrix_has_a_colour_for_each_side() -> None:
    drawn = matrix(np.array([[-1.0, 0.0, 1.0]]), 1.0, size=(30, 10))
    blue, white, orange = (drawn.getpixel((x, 5)) for x in (5, 15, 25))
    assert blue == (46, 106, 178)
    assert white == (245, 245, 245)
    assert orange == (196, 78, 40)
    assert matrix(np.zeros((2, 2)), 0.0, size=(4, 4)).getpixel((1, 1)) == white


def test_the_legend_goes_from_left_to_right() -> None:
    drawn = np.asarray(legend((60, 5)), float)
    assert drawn.shape == (5, 60, 3)
    assert drawn[0, 0] == pytest.approx(colours(np.array(0.0)), abs=1)
    assert drawn[0, -1] == pytest.approx(colours(np.array(1.0)), abs=1)
