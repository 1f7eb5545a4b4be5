"""Pictures made worse in ways that cameras know: out of focus, half hidden, too dark; and people made smaller."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

GREY = (128, 128, 128)


def blurred(image: Image.Image, deviation: float) -> Image.Image:
    """Blurred by a Gaussian whose standard deviation is this share of the picture's height."""
    return image.filter(ImageFilter.GaussianBlur(deviation * image.height))


def occluded(image: Image.Image, share: float) -> Image.Image:
    """This share of the picture's height, from below, hidden by a grey rectangle, as legs are behind a car."""
    hidden = image.copy()
    top = round((1 - share) * image.height)
    if top < image.height:
        ImageDraw.Draw(hidden).rectangle((0, top, image.width - 1, image.height - 1), fill=GREY)
    return hidden


def darkened(image: Image.Image, gamma: float) -> Image.Image:
    """Every value v from 0 to 1 replaced by v to the power of `gamma`: darker above 1, lighter below."""
    table = (255 * np.linspace(0, 1, 256) ** gamma).round().astype(np.uint8)
    return Image.fromarray(table[np.asarray(image)])


def shrunk(image: Image.Image, scale: float) -> Image.Image:
    """The picture at this scale in the middle of its own frame, around it the mean colour of its edges."""
    pixels = np.asarray(image)
    edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = (round(float(value)) for value in edges.mean(axis=0))
    size = (max(1, round(scale * image.width)), max(1, round(scale * image.height)))
    frame = Image.new("RGB", image.size, (red, green, blue))
    small = image.resize(size, Image.Resampling.BILINEAR)
    frame.paste(small, ((image.width - size[0]) // 2, (image.height - size[1]) // 2))
    return frame
