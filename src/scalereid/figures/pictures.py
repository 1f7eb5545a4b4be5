"""The pictures of a page: each is in it once, however often it is shown, and each can be opened."""

from collections.abc import Hashable, Mapping, Sequence
from html import escape

from scalereid.data.records import JUNK, ImageRecord
from scalereid.figures.page import in_script, jpeg_uri
from scalereid.figures.tiles import Tile, figure_html, in_a_row, on_page

NEAR = 6
"""Number of pictures shown beside one that is open, the nearest to it."""


class Pictures:
    """Collects the pictures of a page while its parts are written.

    The script of the page puts them in, and opens them large with what is known of them and with the pictures nearest to them.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._sources: list[str] = []
        self._records: dict[int, ImageRecord] = {}
        self._searches: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._sources)

    def add(self, picture: str | bytes) -> int | None:
        """Number of a file's picture, or of one in these bytes; None where it cannot be read."""
        if picture not in self._numbers:
            image = on_page(picture)
            if image is None:
                return None
            self._numbers[picture] = len(self._sources)
            self._sources.append(jpeg_uri(image, quality=80))
        return self._numbers[picture]

    def add_record(self, record: ImageRecord) -> int | None:
        """Number of a record's picture, which then is opened with its person and camera."""
        number = self.add(str(record.path))
        if number is not None:
            self._records[number] = record
        return number

    def records(self) -> list[ImageRecord]:
        """The records whose pictures are on the page."""
        return [*self._records.values()]

    def add_search(self, pid: int, anchor: str) -> None:
        """Let every picture of a person lead to the search for that person at `anchor`; the first one counts."""
        self._searches.setdefault(pid, anchor)

    def button(self, number: int | None, alt: str) -> str:
        """HTML of a picture that opens with a click; empty for None."""
        if number is None:
            return ""
        return f'<button type="button" class="picture" data-picture="{number}"><img alt="{escape(alt)}"></button>'

    def tile(self, tile: Tile) -> str:
        """HTML of a tile whose picture opens with a click."""
        return figure_html(tile, self.button(self.add(tile.image), tile.alt))

    def tiles(self, tiles: Sequence[Tile]) -> str:
        """HTML of tiles side by side."""
        return in_a_row(map(self.tile, tiles))

    def data(self, nearest: Mapping[str, Sequence[str]]) -> str:
        """HTML with all pictures and what is known of them.

        `nearest` are, by a picture's file, the other files, the nearest first.
        """
        near = {
            number: [self._numbers[file] for file in nearest[str(record.path)] if file in self._numbers][:NEAR]
            for number, record in self._records.items()
            if str(record.path) in nearest
        }
        known = {
            number: {"pid": record.pid, "words": describe(record), "near": near.get(number, [])}
            for number, record in self._records.items()
        }
        values = {"sources": self._sources, "known": known, "searches": self._searches}
        return f'<script type="application/json" id="pictures">{in_script(values)}</script>'


def describe(record: ImageRecord) -> str:
    """Person, camera and file of a record, as far as they are known."""
    person = "junk" if record.pid == JUNK else f"person {record.pid}"
    return " · ".join([person, *([f"camera {record.camid}"] if record.camid >= 0 else []), record.path.name])


def filterable(record: ImageRecord) -> str:
    """HTML attributes by which the page finds what shows a person or a camera."""
    return f'data-pid="{record.pid}" data-camid="{record.camid}"'
