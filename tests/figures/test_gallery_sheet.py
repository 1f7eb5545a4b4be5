from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from scalereid.figures import gallery_sheet
from scalereid.figures.gallery_sheet import PEOPLE, SIGHTINGS, write_people
from scalereid.figures.tiles import Tile
from scalereid.gallery.sightings import Seen, Sighting

FILE = Path("people.png")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Tile]]:
    """The rows of the sheets that are drawn."""
    rows: list[Sequence[Tile]] = []

    def draw(those: Sequence[Sequence[Tile]], *, ranked: bool) -> Image.Image:
        assert not ranked
        rows.extend(those)
        return Image.new("RGB", (1, 1))

    monkeypatch.setattr(gallery_sheet, "draw_sheet", draw)
    return rows


def sightings(number: int) -> list[Sighting]:
    return [Sighting(n, Seen(f"{n}.jpg"), datetime(2026, 1, 1, tzinfo=UTC)) for n in range(1, number + 1)]


def test_of_one_person_every_sighting_is_drawn(drawn: list[Sequence[Tile]], tmp_path: Path) -> None:
    write_people([("Anna", sightings(40))], lambda _: None, tmp_path / FILE)
    assert [tile.image for tile in drawn[0]] == [f"{n}.jpg" for n in range(1, 41)]
    assert drawn[0][0].caption == ("Anna", "sighting 1")


def test_of_several_people_the_first_sightings_with_their_number(drawn: list[Sequence[Tile]], tmp_path: Path) -> None:
    people = [("Anna", sightings(1240)), ("Ben", sightings(SIGHTINGS)), *[("more", sightings(1))] * PEOPLE]
    write_people(people, lambda _: None, tmp_path / FILE)
    assert [len(row) for row in drawn] == [SIGHTINGS, SIGHTINGS, *[1] * (PEOPLE - 2)]
    assert drawn[0][0].caption == ("Anna", "sighting 1", "12 of 1,240 shown")
    assert drawn[1][0].caption == ("Ben", "sighting 1")
