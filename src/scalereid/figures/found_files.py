"""What was found for images, by file name: a page, or a contact sheet."""

from dataclasses import asdict
from html import escape
from pathlib import Path

from scalereid.data.terms import TERMS_OF_UNKNOWN
from scalereid.figures.page import folded, folded_json, write_page
from scalereid.figures.terms import TERMS, meaning_of_probabilities
from scalereid.figures.tiles import Tile, draw_sheet, tiles_html
from scalereid.files import write
from scalereid.inference.items import common_folder
from scalereid.inference.search_files import FoundFiles
from scalereid.wording import counted

ON_PAGE = 500
"""Number of queries on a page at most; larger pages open slowly."""
ON_SHEET = 100
"""Number of queries on a contact sheet at most; a JPEG is at most 65,500 pixels high."""


def write_found(found: FoundFiles, file: Path) -> None:
    """Write one HTML file with the first `ON_PAGE` queries and what was found for each; its pictures are in it."""
    shown = min(len(found), ON_PAGE)
    title = f"{counted(len(found), 'query', 'queries')} among {counted(len(found.gallery), 'image')}"
    words = [
        "In the first frame a query, then the gallery images most similar to it, with rank, similarity and file, whether or "
        "not the person is among them: no match alone identifies a person."
    ]
    words += [f"The first {shown:,} queries are shown."] if shown < len(found) else []
    notes = [f"Similarity: {TERMS['similarity']}."]
    notes += [meaning_of_probabilities(found.calibration)] if found.calibration else []
    for what, paths in (("Queries", found.query), ("Gallery", found.gallery)):
        notes += [f"{what}: {folder}"] if (folder := common_folder(paths)) else []
    parts = [f"<p>{escape(' '.join(words))}</p>"]
    parts += [f"<p><small>{'<br>'.join(map(escape, notes))}</small></p>"]
    parts += [tiles_html(tiles) for tiles in _tiles(found, shown)]
    if found.unreadable:
        items = "".join(f"<li>{escape(why)}</li>" for why in found.unreadable)
        parts.append(folded(f"Left out: {len(found.unreadable):,} that cannot be read", f"<ul>{items}</ul>"))
    parts.append(folded_json("Model", asdict(found.model)))
    write_page(file, title, "\n".join(parts), terms=TERMS_OF_UNKNOWN)


def write_sheet(found: FoundFiles, file: Path) -> None:
    """Write a contact sheet of the first `ON_SHEET` queries and what was found for each, in the format of the file's suffix.

    Raises:
        ValueError: See `check_sheet`; or no query is there to be drawn.
    """
    check_sheet(file)
    rows = _tiles(found, min(len(found), ON_SHEET))
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, draw_sheet(rows).save)


def check_sheet(file: Path) -> None:
    """Check that a contact sheet can be written to `file`, before any work is done.

    Raises:
        ValueError: Its suffix is not of a picture.
    """
    if file.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise ValueError(f"{file}: a contact sheet is written to a .jpg or .png file")


def _tiles(found: FoundFiles, number: int) -> list[list[Tile]]:
    """The first queries, each followed by what was found for it."""
    query, gallery = len(common_folder(found.query)), len(common_folder(found.gallery))
    rows = []
    for row, path in enumerate(found.query[:number]):
        tiles = [Tile(path, "query", ("query", path[query:]), f"query {path[query:]}")]
        for rank, one in enumerate(found.of(row), start=1):
            probability = "" if one.probability is None else f" · {one.probability:.0%}"
            name = one.path[gallery:]
            tiles.append(
                Tile(one.path, "found", (f"{rank} · {one.similarity:.2f}{probability}", name), f"rank {rank}: {name}")
            )
        rows.append(tiles)
    return rows
