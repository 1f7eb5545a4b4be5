import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch

from scalereid.data.augmentation import normalise
from scalereid.inference.pixel_format import PRESETS, PixelFormat, find_format
from scalereid.typed_json import from_json, parse

UNLIKE = PixelFormat("BGR", 50.0, (1.0, 2.0, 3.0), (0.5, 0.25, 2.0))


@pytest.fixture
def pixels() -> Any:
    return np.random.default_rng(0).integers(0, 256, (2, 4, 3, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "form",
    [
        PixelFormat(),
        PixelFormat("BGR"),
        PixelFormat(scale=255.0),
        PixelFormat(mean=(100.0, 50.0, 25.0)),
        PixelFormat(std=(2.0, 4.0, 8.0)),
        UNLIKE,
    ],
)
@pytest.mark.parametrize("channels_last", [False, True])
def test_every_value(form: PixelFormat, channels_last: bool, pixels: Any) -> None:
    found = form.convert(pixels, channels_last=channels_last)
    assert found.dtype == np.float32
    assert found.shape == ((2, 4, 3, 3) if channels_last else (2, 3, 4, 3))
    for n, y, x, channel in np.ndindex(*pixels.shape):
        value = int(pixels[n, y, x, {"RGB": channel, "BGR": 2 - channel}[form.channels]])
        expected = (value / form.scale - form.mean[channel]) / form.std[channel]
        assert found[(n, y, x, channel) if channels_last else (n, channel, y, x)] == pytest.approx(expected, rel=1e-5)


def test_presets(pixels: Any) -> None:
    """As the sources that the docstring names have them."""
    exact = normalise(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(PRESETS["torchreid"].convert(pixels), exact, atol=1e-6)
    np.testing.assert_array_equal(PRESETS["fast-reid"].convert(pixels), pixels.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(PRESETS["open-model-zoo"].convert(pixels), pixels[..., ::-1].transpose(0, 3, 1, 2))
    assert find_format("open-model-zoo") == PixelFormat("BGR")
    assert find_format(UNLIKE) is UNLIKE


def test_json_and_back() -> None:
    assert from_json(PixelFormat, parse(json.dumps(asdict(UNLIKE))), "pixels") == UNLIKE


def test_whole_numbers_are_the_same_format() -> None:
    assert PixelFormat(scale=255).values() == PixelFormat(scale=255.0).values()
    assert str(PixelFormat(scale=255)) == "RGB, divided by 255, mean 0, 0, 0, std 1, 1, 1"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": "GRB"}, "No such channels: 'GRB'. Choose from RGB, BGR"),
        ({"scale": 0}, "scale is 0; expected a number of at least 1e-12"),
        ({"scale": "255"}, "scale is '255'; expected a number"),
        ({"mean": (0.5, 0.5)}, r"mean is \(0.5, 0.5\); expected a tuple of three numbers, one for each channel"),
        ({"mean": (0.5, 0.5, float("nan"))}, "a number of mean is nan; expected a number"),
        ({"std": (1.0, 1.0, 0.0)}, "a number of std is 0.0; expected a number of at least 1e-12"),
    ],
)
def test_what_makes_no_sense_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PixelFormat(**change)


def test_no_such_preset() -> None:
    for given in ("caffe", 3):
        with pytest.raises(
            ValueError, match=r"pixels is .*; expected a PixelFormat, or one of torchreid, fast-reid, open-"
        ):
            find_format(given)  # type: ignore[arg-type]
