from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scalereid.data.records import ReidDataset
from scalereid.figures import found_files
from scalereid.figures.found_files import check_sheet, write_found, write_sheet
from scalereid.figures.terms import TERMS
from scalereid.inference.metadata import ModelMetadata
from scalereid.inference.search_files import FoundFiles
from scalereid.retrieval.search import SearchResult
from tests.figures.pages import check_page
from tests.inference.conftest import CALIBRATION


@pytest.fixture
def found(people: ReidDataset) -> FoundFiles:
    """Two queries among five images, one of which has a single result."""
    query, gallery = ([str(record.path) for record in records] for records in (people.query[:2], people.gallery[:5]))
    indices = np.array([[3, 0, 4], [1, -1, -1]])
    similarities = np.array([[0.98, 0.5, 0.25], [0.9, -np.inf, -np.inf]], dtype=np.float32)
    model = ModelMetadata("net (x.pth)", "0123456789ab", (64, 32), 32)
    return FoundFiles(query, gallery, SearchResult(indices, similarities), model, None, ["bad.jpg cannot be read <"])


def test_a_page_with_every_result(found: FoundFiles, tmp_path: Path) -> None:
    write_found(found, tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    check_page(html)
    assert "<h1>2 queries among 5 images</h1>" in html
    assert html.count('<figure class="query">') == 2
    assert html.count('<figure class="found">') == 4
    name = Path(found.gallery[3]).name
    assert f"<b>1 · 0.98</b><br>{name}</figcaption>" in html
    assert f'alt="rank 1: {name}"' in html
    assert f"Similarity: {TERMS['similarity']}." in html
    assert "no match alone identifies a person" in html
    assert "If these pictures are of a published dataset, this page is under its terms, too." in html
    assert "Per cent" not in html
    assert "<summary>Left out: 1 that cannot be read</summary>" in html
    assert "<li>bad.jpg cannot be read &lt;</li>" in html
    assert "&quot;fingerprint&quot;: &quot;0123456789ab&quot;" in html


def test_probabilities_are_shown_and_explained(found: FoundFiles, tmp_path: Path) -> None:
    write_found(replace(found, calibration=CALIBRATION, unreadable=[]), tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    assert f"<b>2 · 0.50 · {1 / (1 + np.exp(-2)):.0%}</b>" in html
    assert "calibrated on toy (123), where 50.00% of all pairs show the same person" in html
    assert "Left out" not in html


def test_one_query_is_named_in_the_singular(found: FoundFiles, tmp_path: Path) -> None:
    one = replace(
        found,
        query=found.query[:1],
        gallery=found.gallery[3:4],
        nearest=SearchResult(np.array([[0]]), np.ones((1, 1), np.float32)),
    )
    write_found(one, tmp_path / "page.html")
    assert "<h1>1 query among 1 image</h1>" in (tmp_path / "page.html").read_text()


def test_many_queries_are_limited_and_it_says_so(
    found: FoundFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(found_files, "ON_PAGE", 1)
    monkeypatch.setattr(found_files, "ON_SHEET", 1)
    write_found(found, tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    assert html.count('<figure class="query">') == 1
    assert "The first 1 queries are shown." in html
    write_sheet(found, tmp_path / "one.png")
    monkeypatch.undo()
    write_sheet(found, tmp_path / "both.png")
    with Image.open(tmp_path / "one.png") as one, Image.open(tmp_path / "both.png") as both:
        assert both.height > 1.5 * one.height
        assert both.width == one.width


def test_a_sheet_is_a_picture(found: FoundFiles, tmp_path: Path) -> None:
    for name in ("new/sheet.jpg", "sheet.PNG"):
        check_sheet(tmp_path / name)
        write_sheet(found, tmp_path / name)
        with Image.open(tmp_path / name) as sheet:
            assert sheet.width == 4 * 94 + 24
    with pytest.raises(ValueError, match=r"sheet\.pdf: a contact sheet is written to a \.jpg or \.png file"):
        write_sheet(found, Path("sheet.pdf"))
