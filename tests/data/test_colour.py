import colorsys

import numpy as np
import pytest
import torch
from PIL import Image

from scalereid.data.colour import luminance, turn_hue


def test_luminance_is_pillows() -> None:
    pixels = torch.randint(0, 256, (1, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    expected = np.asarray(Image.fromarray(pixels[0].permute(1, 2, 0).numpy()).convert("L"))
    np.testing.assert_allclose(luminance(pixels.float())[0, 0], expected, atol=1)


@pytest.mark.parametrize("turn", [0.0, 0.1, -0.3, 0.5, -0.5])
def test_hue_is_turned_as_by_the_standard_library(turn: float) -> None:
    colours = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    colours[0, :, 0, :6] = torch.tensor(
        [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5], [1, 0, 0], [0, 1, 0], [0.2, 0.2, 0.9]]
    ).T
    turned = turn_hue(colours, torch.full((1, 1, 1, 1), turn))
    pixels = zip(colours[0].flatten(1).T.tolist(), turned[0].flatten(1).T.tolist(), strict=True)
    for before, after in pixels:
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        assert after == pytest.approx(colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value), abs=1e-5)
