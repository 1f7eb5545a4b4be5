"""A query and what was found for it, side by side: as a part of a page, or as a picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont, ImageOps

from scalereid.data.images import open_image, upright
from scalereid.figures.page import photograph
from scalereid.wording import counted, printable

_ON_PAGE = (240, 120)  # (height, width): sharp on a display with two pixels per CSS pixel
_ON_SHEET = (160, 80)
_COLOURS = {"query": (70, 90, 122), "found": (164, 169, 177), "right": (30, 125, 66), "wrong": (192, 51, 43)}
_BACK, _TEXT = "white", (34, 34, 34)
_FRAME, _GAP, _HEADER, _LINE = 3, 8, 24, 14
COLUMNS = 25
"""Number of pictures beside a query on a line of a contact sheet; more continue on the next."""
TALLEST = 65_500
"""Number of pixels of a contact sheet's height at most: as many as libjpeg writes."""


Picture = str | bytes
"""An image file, or what is in one."""


@dataclass(frozen=True)
class Tile:
    """An image of a person with its frame and caption."""

    image: Picture
    kind: Literal["query", "found", "right", "wrong"]
    """`found` where it is not known who it shows."""
    caption: tuple[str, ...]
    """Lines below the image, the first one bold."""
    alt: str
    """What the image is, for those who do not see it."""


def tiles_html(tiles: Sequence[Tile]) -> str:
    """A query and what was found for it, as a part of a page; wraps where the window is narrow."""
    return in_a_row(figure_html(tile, _photograph(tile)) for tile in tiles)


def in_a_row(figures: Iterable[str]) -> str:
    """Figures side by side, as a part of a page; wraps where the window is narrow."""
    return "\n".join(['<div class="tiles">', *figures, "</div>"])


def figure_html(tile: Tile, picture: str) -> str:
    """A tile with the HTML of its picture; in place of an empty one it says that there is none."""
    first, *more = (escape(line) for line in tile.caption)
    caption = "<br>".join([f"<b>{first}</b>", *more])
    picture = picture or f'<div class="gone" role="img" aria-label="{escape(tile.alt)}, cannot be read">not found</div>'
    return f'<figure class="{tile.kind}">{picture}<figcaption>{caption}</figcaption></figure>'


def on_page(picture: Picture) -> Image.Image | None:
    """The image in the size that pages show; None where it is gone, as that of an old table of embeddings may be."""
    return _read(picture, _ON_PAGE)


def draw_sheet(rows: Sequence[Sequence[Tile]], *, ranked: bool = True) -> Image.Image:
    """Contact sheet: a line of tiles for each query, which stands apart on the left; `ranked` ones have headings.

    A line has at most `COLUMNS` tiles beside the query, and further ones are below. Lines for which a sheet as high as
    `TALLEST` has no room are left out, and the sheet says so at its end.
    """
    lines = [line for row in rows for line in _lines(row)]
    width, height = _ON_SHEET[1] + 2 * _FRAME, _ON_SHEET[0] + 2 * _FRAME
    captions = max(len(tile.caption) for row in rows for tile in row)
    line_height = height + captions * _LINE + 2 * _GAP
    most = (TALLEST - 2 * _HEADER) // line_height
    left_out = sum(map(len, lines[most:]))
    lines = lines[:most]
    columns = max(max(line) for line in lines) + 1
    size = (columns * (width + _GAP) + 3 * _GAP, _HEADER + len(lines) * line_height + (_HEADER if left_out else 0))
    canvas = Image.new("RGB", size, _BACK)
    pen, font, heading_font = ImageDraw.Draw(canvas), ImageFont.load_default(11), ImageFont.load_default(13)
    lefts = [_GAP + column * (width + _GAP) + (2 * _GAP if column else 0) for column in range(columns)]
    for column, left in enumerate(lefts if ranked else ()):
        heading = str(column) if column else "query"
        pen.text((left + width / 2, _HEADER / 2), heading, fill=_TEXT, font=heading_font, anchor="mm")
    for number, line in enumerate(lines):
        y = _HEADER + number * line_height
        for column, tile in line.items():
            left = lefts[column]
            pen.rectangle((left, y, left + width - 1, y + height - 1), fill=_COLOURS[tile.kind])
            canvas.paste(_on_sheet(tile), (left + _FRAME, y + _FRAME))
            for below, text in enumerate(tile.caption):
                at = (left, y + height + 2 + below * _LINE)
                pen.text(at, _shortened(printable(text), width, font), fill=_TEXT, font=font)
    if left_out:
        rest = f"… and {counted(left_out, 'more picture')}"
        pen.text((_GAP, size[1] - _HEADER / 2), rest, fill=_TEXT, font=heading_font, anchor="lm")
    return canvas


def _lines(row: Sequence[Tile]) -> list[dict[int, Tile]]:
    """A query and what follows it as lines of a sheet: tiles by column, where column 0 is the query's."""
    query, *found = row
    lines = [dict(enumerate(found[at : at + COLUMNS], start=1)) for at in range(0, max(len(found), 1), COLUMNS)]
    return [{0: query, **lines[0]}, *lines[1:]]


def _photograph(tile: Tile) -> str:
    image = on_page(tile.image)
    return photograph(image, tile.alt) if image else ""


def _on_sheet(tile: Tile) -> Image.Image:
    image = _read(tile.image, _ON_SHEET)
    if image:
        return ImageOps.pad(image, _ON_SHEET[::-1], color=_BACK)
    empty = Image.new("RGB", _ON_SHEET[::-1], _BACK)
    ImageDraw.Draw(empty).text((_ON_SHEET[1] / 2, _ON_SHEET[0] / 2), "not found", fill=_TEXT, anchor="mm")
    return empty


def _read(picture: Picture, size: tuple[int, int]) -> Image.Image | None:
    """The image, at most of that (height, width); None where it is gone."""
    try:
        with open_image(BytesIO(picture) if isinstance(picture, bytes) else Path(picture)) as image:
            small = upright(image)
    except ValueError:
        return None
    small.thumbnail(size[::-1], Image.Resampling.LANCZOS)
    return small


def _shortened(text: str, width: int, font: "ImageFont.FreeTypeFont | ImageFont.ImageFont") -> str:
    """A text that fits, its beginning left out where it is too long: the end of a file's name tells more."""
    if font.getlength(text) <= width:
        return text
    start = next((i for i in range(1, len(text)) if font.getlength(f"…{text[i:]}") <= width), len(text))
    return f"…{text[start:]}"
