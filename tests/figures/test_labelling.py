"""The page on which pairs are labelled, read as text and used in a browser."""

import base64
import hashlib
import json
import re
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scalereid.figures.labelling import write_labelling_page
from scalereid.inference.metadata import ModelMetadata
from scalereid.retrieval.answers import COLUMNS, read_pairs
from scalereid.retrieval.drawing import DrawnPairs
from tests.browser import browser

MODEL = ModelMetadata("a <model>", "0123456789ab", (64, 32), 8)
DRAWN = DrawnPairs(
    np.array([0, 1, 0]), np.array([1, 2, 2]), np.array([0.25, 0.5, 0.125]), np.array([1.0, 2000 / 3, 2000 / 3]), 1335
)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("images")
    paths = [folder / name for name in ("red.png", 'a, "quoted" </script> name.png', "grün.png")]
    paths[1].parent.mkdir()
    for path, colour in zip(paths, ("red", "blue", "green"), strict=True):
        Image.new("RGB", (300, 600), colour).save(path)
    return paths


@pytest.fixture(scope="module")
def page(paths: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "sheet.html"
    write_labelling_page(file, paths, DRAWN, MODEL, command="calibrate <it>")
    return file


def sheet(html: str) -> Any:
    found = re.search(r'<script type="application/json" id="sheet">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_page_holds_each_picture_once_and_nothing_from_outside(page: Path) -> None:
    html = page.read_text()
    assert not re.search(r"https?:|src=|href=", html)
    images = sheet(html)["images"]
    assert len(images) == 3
    with Image.open(BytesIO(base64.b64decode(images[1].partition("base64,")[2]))) as image:
        assert image.size == (192, 384)
        red, green, blue = image.convert("RGB").getpixel((9, 9))  # type: ignore[misc]
    assert (red < 10, green < 10, blue > 245) == (True, True, True)


def test_only_its_own_script_and_style_may_run(page: Path) -> None:
    html = page.read_text()
    found = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    assert found
    policy = found[1]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for kind, tag in (("style-src", "<style>(.*?)</style>"), ("script-src", r"<script>(.*?)</script>")):
        [text] = re.findall(tag, html, re.DOTALL)
        assert f"{kind} 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy


def test_names_do_not_break_out(page: Path, paths: list[Path]) -> None:
    html = page.read_text()
    assert html.count("</script>") == 2
    assert "calibrate a &lt;model&gt;." in html
    assert "<code>calibrate &lt;it&gt;</code>" in html
    [_, [first, second, before, after], _] = sheet(html)["pairs"]
    assert (first, second) == (1, 2)
    assert before == f'"{str(paths[1]).replace(chr(34), chr(34) * 2)}",{paths[2]}'
    assert after == "0.500000,666.6666666666666,0123456789ab"


def test_a_path_that_a_csv_file_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not UTF-8, as a CSV file requires; rename it"):
        write_labelling_page(tmp_path / "sheet.html", [tmp_path / "\udcff.png"] * 3, DRAWN, MODEL)
    assert not (tmp_path / "sheet.html").exists()


def test_a_name_with_a_line_end_is_one_cell(paths: list[Path], tmp_path: Path) -> None:
    shutil.copy(paths[0], tmp_path / "two\nlines.png")
    write_labelling_page(tmp_path / "sheet.html", [tmp_path / "two\nlines.png", *paths[1:]], DRAWN, MODEL)
    found = sheet((tmp_path / "sheet.html").read_text())
    lines = [found["columns"], *(f"{before},same,{after}" for _, _, before, after in found["pairs"])]
    (tmp_path / "pairs.csv").write_text("\n".join([*lines, ""]))  # as the page saves them
    assert read_pairs(tmp_path / "pairs.csv").first == (
        tmp_path / "two\nlines.png",
        paths[1],
        tmp_path / "two\nlines.png",
    )


def test_a_model_whose_name_is_not_utf_8(paths: list[Path], tmp_path: Path) -> None:
    write_labelling_page(tmp_path / "sheet.html", paths, DRAWN, MODEL, command="scalereid calibrate '\udcff.pth'")
    assert "scalereid calibrate &#x27;?.pth&#x27;" in (tmp_path / "sheet.html").read_text()


def test_labelled_in_a_browser(page: Path, paths: list[Path], tmp_path: Path) -> None:
    """By keys and by buttons, back and forth, over a closed and reopened page, and saved."""
    with browser(tmp_path) as window:
        window.open(page, width=390, height=844)
        status = "document.getElementById('status').textContent"
        pressed = "[...document.querySelectorAll('[aria-pressed=true]')].map((button) => button.dataset.answer).join()"
        assert window.evaluate(status) == "Pair 1 of 3, 0 labelled."
        assert window.evaluate("document.getElementById('first').naturalWidth") == 192
        window.press("s")
        assert (window.evaluate(status), window.evaluate(pressed)) == ("Pair 2 of 3, 1 labelled.", "")
        window.press("d")
        window.press("ArrowLeft")
        assert (window.evaluate(status), window.evaluate(pressed)) == ("Pair 2 of 3, 2 labelled.", "different")
        window.evaluate("document.querySelector('[data-answer=unsure]').click()")
        assert window.evaluate(status) == "Pair 3 of 3, 2 labelled."
        window.open(page, width=1200, height=900, dark=True)  # again, as after it was closed
        assert window.evaluate(status) == "Pair 3 of 3, 2 labelled."
        assert window.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 25, 31)"
        window.evaluate("document.getElementById('save').click()")
        text = window.downloaded("pairs.csv")
    assert text.splitlines()[0] == ",".join(COLUMNS)
    pairs = read_pairs(tmp_path / "downloads" / "pairs.csv")
    assert pairs.answers == ("same", "unsure", "")
    assert pairs.first == (paths[0], paths[1], paths[0])
    assert pairs.distances is not None
    assert pairs.distances.tolist() == [0.25, 0.5, 0.125]
    assert pairs.weights.tolist() == DRAWN.weights.tolist()
    assert pairs.model_fingerprint == "0123456789ab"


def test_it_fits_a_telephone_and_can_be_used_by_keys_alone(page: Path, tmp_path: Path) -> None:
    with browser(tmp_path) as window:
        window.open(page, width=390, height=844)
        assert window.evaluate("document.documentElement.scrollWidth") == 390
        assert window.evaluate("document.documentElement.scrollHeight") == 844
        focused = []
        for _ in range(6):
            window.press("Tab")
            focused.append(window.evaluate("document.activeElement.textContent.trim().slice(0, 9)"))
            outline = "getComputedStyle(document.activeElement).outlineWidth"
            assert window.evaluate(outline) == "3px"
        assert focused == ["same S", "different", "unsure U", "next →", "save pair", "What to d"]
        assert window.evaluate("[...document.images].every((image) => image.alt)")
