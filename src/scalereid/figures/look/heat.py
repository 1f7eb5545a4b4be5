"""Numbers as colours: maps over pictures, and matrices."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_RAMP = np.array(  # from nothing to the most: dark blue, violet, red, orange, light yellow; brighter from step to step
    [(8, 10, 60), (96, 22, 130), (200, 45, 85), (248, 140, 40), (255, 250, 170)], dtype=np.float64
)
_BELOW, _EVEN, _ABOVE = (np.array(colour, float) for colour in ((46, 106, 178), (245, 245, 245), (196, 78, 40)))


def colours(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Colours (…, 3), from 0 to 255, of values from 0 to 1; brighter is more."""
    at = np.linspace(0, 1, len(_RAMP))
    return np.stack([np.interp(values, at, channel) for channel in _RAMP.T], axis=-1)


def over(picture: Image.Image, activation: NDArray[np.floating]) -> Image.Image:
    """An activation map (h, w) over its picture in grey, in colours from its least to its greatest value."""
    least, greatest = float(activation.min()), float(activation.max())
    values = (activation - least) / max(greatest - least, 1e-12)
    smooth = Image.fromarray(values.astype(np.float32)).resize(picture.size, Image.Resampling.BICUBIC)
    strength = np.asarray(smooth).clip(0, 1)
    grey = np.asarray(picture.convert("L"), np.float64)[..., None]
    share = 0.35 + 0.4 * strength[..., None]
    mixed = (1 - share) * grey + share * colours(strength)
    return Image.fromarray(mixed.round().clip(0, 255).astype(np.uint8))


def matrix(values: NDArray[np.floating], most: float, *, size: tuple[int, int]) -> Image.Image:
    """A matrix (rows, columns) as a picture of a (width, height): blue below 0, white at 0, orange above, up to `most`."""
    strength = (np.abs(values) / max(most, 1e-12)).clip(0, 1)[..., None]
    ends = np.where(values[..., None] < 0, _BELOW, _ABOVE)
    pixels = ((1 - strength) * _EVEN + strength * ends).round().astype(np.uint8)
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


def legend(size: tuple[int, int]) -> Image.Image:
    """The colours of `over`, from the least on the left to the greatest on the right."""
    ramp = colours(np.linspace(0, 1, size[0]))[None].repeat(size[1], axis=0)
    return Image.fromarray(ramp.round().astype(np.uint8))
