import re
from pathlib import Path

import numpy as np
import pytest

from scalereid.data.records import ReidDataset
from scalereid.figures import attributes
from scalereid.figures.attributes import write_attributes
from tests.browser import browser


def test_bars_beside_pictures(people: ReidDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attributes, "ON_PAGE", 2)
    paths = [str(record.path) for record in people.gallery[:3]]
    likelihoods = np.array([[0.5, 0.04], [0.499, 1.0], [0.9, 0.9]], np.float32)
    write_attributes(tmp_path / "x.html", "osnet <x>", paths, ["hat", "a<b"], likelihoods, terms="Theirs & ours.")
    page = (tmp_path / "x.html").read_text()
    assert "<title>Attributes of 3 pictures · scalereid</title>" in page
    assert "osnet &lt;x&gt;" in page
    assert "The first 2 pictures are shown." in page
    bars = re.findall(r'<tr class="(\w+)"><th scope="row">(.*?)</th><td>.*?<rect width="([\d.]+)"', page)
    assert bars == [
        ("likely", "hat", "50.0"),
        ("unlikely", "a&lt;b", "4.0"),
        ("unlikely", "hat", "49.9"),
        ("likely", "a&lt;b", "100.0"),
    ]
    assert page.count("data:image/jpeg;base64,") == 2
    assert not re.search(r"(src|href)=\"https?:", page)
    assert "<footer><p><small>Theirs &amp; ours.</small></p></footer>" in page


def test_bars_are_as_long_as_likelihoods_in_a_browser(people: ReidDataset, tmp_path: Path) -> None:
    """The page's own policy lets no style in that is written at an element."""
    likelihoods = np.array([[0.9, 0.3]], np.float32)
    write_attributes(tmp_path / "x.html", "x", [str(people.gallery[0].path)], ["hat", "bag"], likelihoods, terms="")
    with browser(tmp_path) as page:
        page.open(tmp_path / "x.html")
        first, second = page.evaluate(
            "[...document.querySelectorAll('.likelihoods rect')].map(bar => bar.getBoundingClientRect().width)"
        )
    assert first > 50
    assert first / second == pytest.approx(3, rel=0.02)
