"""JPEG files decoded to Pillow's very pixels, in half of its time, where simplejpeg is installed."""

import os
import stat
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scalereid.data.packed import packed_image

_NAMES = (".jpg", ".jpeg")
_LARGEST = 2**28  # bytes of a file that is read as a whole


def decode_jpeg(path: Path) -> Image.Image | None:
    """A plain JPEG file in RGB; None for any other file, which is left to Pillow to read or to refuse.

    Plain are files with three colour channels, without EXIF data, which may say that an image lies on a side, and undamaged.
    """
    decoder = _simplejpeg() if path.suffix.lower() in _NAMES else None
    if decoder is None:
        return None
    try:
        packed = packed_image(path)
        if packed is None and not _can_be_read(path.stat()):
            return None
        content = packed.getvalue() if packed else path.read_bytes()
        return None if b"Exif" in content else _decode(decoder, content)
    except (OSError, ValueError):
        return None


def _can_be_read(found: os.stat_result) -> bool:
    """Whether it is a file, not a pipe or a device that would be waited for, and none that would fill the memory."""
    return stat.S_ISREG(found.st_mode) and found.st_size <= _LARGEST


def _decode(decoder: Any, content: bytes) -> Image.Image | None:
    """The image in a JPEG file's content.

    Raises:
        ValueError: It is damaged, or no JPEG file.
    """
    height, width, colours, _ = decoder.decode_jpeg_header(content)
    if colours != "YCbCr" or height * width > (Image.MAX_IMAGE_PIXELS or np.inf):
        return None
    return Image.fromarray(decoder.decode_jpeg(content, "RGB"))


@cache
def _simplejpeg() -> Any | None:
    """The library, if it is installed and gives Pillow's pixels here: both come with a libjpeg of their own."""
    try:
        import simplejpeg
    except ImportError:
        return None
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8))
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        file = BytesIO()
        noise.save(file, "JPEG", subsampling=subsampling)
        try:
            decoded = _decode(simplejpeg, file.getvalue())
        except (AttributeError, TypeError, ValueError):  # of another version
            return None
        if decoded is None or decoded.tobytes() != Image.open(file).tobytes():
            return None
    return simplejpeg
