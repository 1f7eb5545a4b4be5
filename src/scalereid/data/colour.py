"""Luminance and hue of whole batches of colours from 0 to 1."""

import torch
from torch import Tensor


def luminance(colours: Tensor) -> Tensor:
    """The luminance (b, 1, h, w) of colours (b, 3, h, w), by ITU-R BT.601, as Pillow and torchvision have it."""
    red, green, blue = colours.unbind(dim=1)
    return (0.299 * red + 0.587 * green + 0.114 * blue)[:, None]


def turn_hue(colours: Tensor, turn: Tensor) -> Tensor:
    """Colours (b, 3, h, w) with the hue moved by `turn` (b, 1, 1, 1) of the colour circle; HSV's saturation and value stay."""
    largest, smallest = colours.amax(dim=1, keepdim=True), colours.amin(dim=1, keepdim=True)
    chroma = largest - smallest
    red, green, blue = ((largest - channel) / chroma.clamp_min(1e-12) for channel in torch.split(colours, 1, dim=1))
    is_red, is_green = colours[:, :1] == largest, colours[:, 1:2] == largest
    sixths = torch.where(is_red, blue - green, torch.where(is_green, 2 + red - blue, 4 + green - red))
    # Each channel is at its largest over a third of the circle, and falls to its smallest over a sixth on either side.
    starts = torch.tensor([5.0, 3.0, 1.0], device=colours.device).view(3, 1, 1)  # of red, green and blue
    place = (starts + sixths + 6 * turn) % 6
    return largest - chroma * torch.minimum(place, 4 - place).clamp(0, 1)
