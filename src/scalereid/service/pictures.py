"""Pictures as they are sent: looked at before they are decoded."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path, PurePath

from fastapi import UploadFile
from PIL import Image

from scalereid.data.images import open_image, upright
from scalereid.inference.pixels import cut_boxes
from scalereid.service.limits import Limits

Box = tuple[float, float, float, float]
_HEIF = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc", b"ftypavif")


def read_pictures(uploads: Sequence[UploadFile], limits: Limits, box: Box | None = None) -> list[Image.Image]:
    """The pictures, decoded, in RGB and upright; of one, the part in a box if there is one.

    Raises:
        ValueError: There is none, or too many, or one cannot be read or is too large; the message names it.
    """
    if not 1 <= len(uploads) <= limits.pictures:
        raise ValueError(f"there are {len(uploads)} pictures; send 1 to {limits.pictures}")
    found, pixels = list[Image.Image](), limits.pixels
    for upload in uploads:
        found.append(_read(upload, pixels, limits))
        pixels -= found[-1].width * found[-1].height
    if box is None:
        return found
    if len(found) > 1:
        raise ValueError(f"there are a box and {len(found)} pictures; send one picture with a box")
    (part,) = cut_boxes(found[0], [box])
    if isinstance(part, ValueError):
        size = f"{found[0].width}×{found[0].height}"
        raise ValueError(f"the box {[*box]} has no pixels within the frame of {size}; it is left, top, right, bottom")
    assert isinstance(part, Image.Image)
    return [part]


def _read(upload: UploadFile, left: int, limits: Limits) -> Image.Image:
    """A picture of at most so many pixels as are left of those of a request."""
    name, content = Path(PurePath(upload.filename or "").name or "picture"), upload.file.read()
    if content[4:12] in _HEIF:
        raise ValueError(f"{name} is in HEIC or AVIF, which cannot be read; save it as JPEG and send that")
    with open_image(BytesIO(content), name) as image:
        if image.width * image.height > left:
            raise ValueError(
                f"it has {image.width:,} × {image.height:,} pixels; send pictures of at most {limits.pixels:,} pixels together"
            )
        return upright(image)
