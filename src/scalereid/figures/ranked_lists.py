"""Queries and the gallery images nearest to them, as one picture."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from scalereid.data.images import open_image, upright
from scalereid.data.records import ImageRecord
from scalereid.retrieval.ranking import Ranking

_QUERY, _RIGHT, _WRONG = (70, 90, 120), (40, 150, 70), (205, 50, 45)
_FRAME, _GAP, _HEADER = 4, 6, 24


def draw_ranked_lists(
    query: Sequence[ImageRecord],
    gallery: Sequence[ImageRecord],
    ranking: Ranking,
    rows: Sequence[int],
    *,
    image_size: tuple[int, int] = (160, 80),
    probabilities: NDArray[np.float64] | None = None,
) -> Image.Image:
    """One line per query in `rows`: the query, then its nearest gallery images, framed green where right and red where wrong.

    A tick or a cross says the same without colours. Each image is labelled with its camera and, with `probabilities`
    (queries, top), with the probability that it shows the query's person.
    """
    top = ranking.indices.shape[1]
    height, width = image_size[0] + 2 * _FRAME, image_size[1] + 2 * _FRAME
    size = ((top + 1) * (width + _GAP) + 3 * _GAP, _HEADER + len(rows) * (height + _GAP))
    canvas = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(13)
    headings = ["query", *map(str, range(1, top + 1))]
    for column, heading in enumerate(headings):
        pen.text((_left(column, width) + width / 2, _HEADER / 2), heading, fill="black", font=font, anchor="mm")
    for line, row in enumerate(rows):
        y = _HEADER + line * (height + _GAP)
        canvas.paste(_framed(query[row], image_size, _QUERY, None, ""), (_left(0, width), y))
        for column in range(top):
            index, right = int(ranking.indices[row, column]), bool(ranking.correct[row, column])
            if index >= 0:
                note = "" if probabilities is None else f" {probabilities[row, column]:.0%}"
                image = _framed(gallery[index], image_size, _RIGHT if right else _WRONG, right, note)
                canvas.paste(image, (_left(column + 1, width), y))
    return canvas


def evenly_spaced(number: int, of: int) -> list[int]:
    """`number` of the row numbers 0 … `of` − 1, evenly spread."""
    return sorted({round(row) for row in torch.linspace(0, of - 1, min(number, of)).tolist()})


def mistakes(ranking: Ranking, number: int) -> list[int]:
    """At most `number` of the queries that have a match but whose nearest gallery image shows another person, evenly spread."""
    wrong = ((ranking.matches > 0) & ~ranking.correct[:, 0]).nonzero().flatten().tolist()
    return [wrong[i] for i in evenly_spaced(number, len(wrong))] if wrong else []


def _left(column: int, width: int) -> int:
    return _GAP + column * (width + _GAP) + (2 * _GAP if column else 0)  # the query stands apart


def _framed(
    record: ImageRecord, image_size: tuple[int, int], colour: tuple[int, int, int], right: bool | None, note: str
) -> Image.Image:
    with open_image(record.path) as image:
        small = upright(image).resize(image_size[::-1], Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(small)
    font = ImageFont.load_default(10)
    label = f"c{record.camid}{note}"
    width = pen.textlength(label, font=font)
    pen.rectangle((0, 0, width + (6 if right is None else 20), 14), fill=colour)
    pen.text((3, 1), label, fill="white", font=font)
    if right is not None:
        x = width + 7
        strokes = [[(0, 7), (3, 10), (9, 3)]] if right else [[(0, 3), (8, 11)], [(0, 11), (8, 3)]]
        for stroke in strokes:
            pen.line([(x + dx, dy) for dx, dy in stroke], fill="white", width=2)
    return ImageOps.expand(small, _FRAME, colour)
