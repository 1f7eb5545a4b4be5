from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont

from scalereid.figures import tiles as tiles_module
from scalereid.figures.tiles import COLUMNS, Tile, _shortened, draw_sheet, tiles_html
from tests.figures.pages import check_page


@pytest.fixture
def tiles(tmp_path: Path) -> list[Tile]:
    """A query, one that is found, and one whose file is gone."""
    for name, colour in (("a.png", "red"), ("b.png", "lime")):
        Image.new("RGB", (64, 128), colour).save(tmp_path / name)
    return [
        Tile(str(tmp_path / "a.png"), "query", ("query", "a.png"), "query a.png"),
        Tile(str(tmp_path / "b.png"), "found", ("1 · 0.98", "<b>.png"), "rank 1: b.png"),
        Tile(str(tmp_path / "gone.png"), "found", ("2 · 0.95", "gone.png"), "rank 2: gone.png"),
    ]


def test_tiles_on_a_page(tiles: list[Tile]) -> None:
    html = tiles_html(tiles)
    check_page(html)
    assert html.count("<figure") == 3
    assert html.count("<img") == 2
    assert '<figure class="query">' in html
    assert "<figcaption><b>1 · 0.98</b><br>&lt;b&gt;.png</figcaption>" in html
    assert 'role="img" aria-label="rank 2: gone.png, cannot be read">not found</div>' in html


def test_tiles_on_a_sheet(tiles: list[Tile]) -> None:
    sheet = draw_sheet([tiles, tiles[:1]])
    pixels = np.asarray(sheet)
    assert sheet.size == (3 * 94 + 24, 24 + 2 * (166 + 2 * 14 + 16))
    lefts = [8, 118, 212]
    frames = [tuple(pixels[24 + 80, left + 1]) for left in lefts]
    assert frames == [(70, 90, 122), (164, 169, 177), (164, 169, 177)]
    assert [tuple(pixels[24 + 60, left + 43]) for left in lefts] == [(255, 0, 0), (0, 255, 0), (255, 255, 255)]
    second = pixels[24 + 210 + 80]
    assert tuple(second[8 + 43]) == (255, 0, 0)
    assert (second[118:] == 255).all()  # a shorter row
    assert (pixels[24 + 166 + 2 : 24 + 166 + 14, 8:94] < 100).any()  # a caption


def test_many_results_continue_on_the_next_line(tiles: list[Tile]) -> None:
    query, found, _ = tiles
    assert draw_sheet([[query, *[found] * 700]]).size == draw_sheet([[query, *[found] * COLUMNS]] * 28).size
    pixels = np.asarray(draw_sheet([[query, *[found] * (COLUMNS + 1)]]))
    second = pixels[24 + 210 + 60]
    assert (second[:100] == 255).all()  # no query
    assert tuple(second[118 + 43]) == (0, 255, 0)
    assert (second[212:] == 255).all()


def test_a_sheet_says_what_it_leaves_out(tiles: list[Tile], monkeypatch: pytest.MonkeyPatch) -> None:
    query, found, _ = tiles
    said: list[str] = []
    monkeypatch.setattr(tiles_module, "TALLEST", 2 * 24 + 2 * 210)

    def counted(number: int, noun: str) -> str:
        said.append(f"{number} {noun}")
        return said[-1]

    monkeypatch.setattr(tiles_module, "counted", counted)
    assert draw_sheet([[query, found], [query]]).height == 24 + 2 * 210
    assert said == []
    assert draw_sheet([[query, found], [query, *[found] * (COLUMNS + 3)], [query]]).height == 2 * 24 + 2 * 210
    assert said == ["4 more picture"]


@pytest.mark.parametrize("captions", [1, 4])
def test_the_longest_sheet_is_a_jpeg(captions: int, tiles: list[Tile], tmp_path: Path) -> None:
    """Whatever is below each picture: a gallery says camera and identity, too."""
    line = [replace(tiles[0], caption=("x",) * captions)]
    sheet = draw_sheet([line] * 400)
    line_height = 166 + 14 * captions + 16
    assert 65_500 - line_height < sheet.height <= 65_500
    sheet.save(tmp_path / "sheet.jpg")


def test_wide_images_are_not_distorted(tmp_path: Path) -> None:
    Image.new("RGB", (200, 50), "red").save(tmp_path / "frame.png")
    pixels = np.asarray(draw_sheet([[Tile(str(tmp_path / "frame.png"), "query", ("query",), "query")]]))
    column = pixels[27 : 27 + 160, 11 + 40]
    assert (column == (255, 0, 0)).all(axis=1).sum() == pytest.approx(20, abs=2)


def test_long_names_lose_their_beginning() -> None:
    font = ImageFont.load_default(11)
    assert _shortened("short.jpg", 90, font) == "short.jpg"
    long = _shortened("a-very-long-folder/and-a-file_0001.jpg", 90, font)
    assert long.startswith("…")
    assert long.endswith("_0001.jpg")
    assert 70 < font.getlength(long) <= 90


def test_names_may_hold_anything(tiles: list[Tile]) -> None:
    name = "<script>alert(1)</script>$\\frac$\n\x1b\udcff'\""
    tile = Tile(tiles[0].image, "found", ("1", name), name)
    html = tiles_html([tile])
    check_page(html.encode(errors="replace").decode())
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;$" in html
    draw_sheet([[tile]])
