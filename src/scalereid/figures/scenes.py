"""Pictures with the people that were found in them."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from scalereid.detection.detector import Detection
from scalereid.files import write

_LINE, _TEXT = (255, 196, 0), (34, 34, 34)
_THICKNESS, _HEIGHT = 300, 36  # of the picture's height: how many times a line is thin, and a letter small
_LEAST = 11  # pixels of a letter


def draw_people(picture: Image.Image, people: Sequence[Detection]) -> Image.Image:
    """A copy of a picture with boxes around the people, and the score of each above its box, or within it at the top edge."""
    drawn = picture.copy()
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(max(_LEAST, picture.height // _HEIGHT))
    for one in reversed(people):  # the surest on top
        left, top, *_ = one.box
        pen.rectangle(one.box, outline=_LINE, width=max(2, picture.height // _THICKNESS))
        score = f" {one.score:.2f} "
        height = pen.textbbox((0, 0), score, font=font, anchor="lt")[3] + 4
        above = max(0, top - height)
        pen.rectangle((left, above, left + pen.textlength(score, font=font), above + height), fill=_LINE)
        pen.text((left, above + 2), score, fill=_TEXT, font=font, anchor="lt")
    return drawn


def write_people(picture: Image.Image, people: Sequence[Detection], file: Path) -> None:
    """Write a picture with boxes around the people, in the format of the file's suffix."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, draw_people(picture, people).save)
