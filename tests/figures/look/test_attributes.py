import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scalereid.data.records import ReidDataset
from scalereid.figures.look.attributes import attributes_part
from scalereid.figures.look.model import LookedAt
from scalereid.figures.page import write_page
from scalereid.figures.pictures import Pictures
from scalereid.inference.inspector import Inspector
from scalereid.inference.opening import RuntimeOptions
from scalereid.inference.recognizer import AttributeRecognizer
from scalereid.runs.run import Run
from tests.browser import browser


@pytest.fixture
def model(attribute_run: Path) -> LookedAt:
    return LookedAt("A", Inspector(attribute_run))


def rows(html: str) -> list[tuple[str, str, str, str]]:
    """Class, name, percentage and mark of each bar."""
    bars = re.findall(r'<tr class="(.*?)"><th scope="row">(.*?)</th>.*?<td>(\d+)%</td>(?:<td>(.?)</td>)?</tr>', html)
    return [(kind, name, percent, mark) for kind, name, percent, mark in bars]


def test_bars_of_people_whose_attributes_are_known(people: ReidDataset, attribute_run: Path, model: LookedAt) -> None:
    records, pictures = people.query[::4], Pictures()
    html = attributes_part([model], records, people, people.root, pictures)
    with AttributeRecognizer(attribute_run, options=RuntimeOptions(runtime="torch")) as recognizer:
        likelihoods = recognizer([record.path for record in records])
    hats = [row for row in rows(html) if row[1] in ("hat", "<b>hat</b>")]
    assert len(hats) == len(records) == 4
    for (kind, name, percent, mark), record, likelihood in zip(hats, records, likelihoods[:, 0], strict=True):
        assert abs(int(percent) - 100 * likelihood) < 0.51
        right = (likelihood >= 0.5) == (record.pid % 2 == 1)
        assert (mark, kind.split()[1]) == (("✓", "right") if right else ("×", "wrong"))
        assert name == ("<b>hat</b>" if record.pid % 2 else "hat")
    captions = re.findall(r"<caption>(\d) of 2 right</caption>", html)
    assert sum(map(int, captions)) == html.count("✓</td>")
    assert pictures.records() == [*records]
    assert re.findall(r'<section class="item" data-pid="(\d+)"', html) == [str(record.pid) for record in records]


def test_of_two_models_one_has_learned_none(people: ReidDataset, model: LookedAt, trained: Run) -> None:
    models = [LookedAt("A", Inspector(trained.folder)), replace(model, letter="B")]
    html = attributes_part(models, people.query[:1], people, people.root, Pictures())
    assert "A: osnet_one_stream (run) has learned no attributes." in html
    assert re.findall(r"<caption>B · \d of 2 right</caption>", html)
    assert len(rows(html)) == 2


def test_what_is_there_is_not_always_known(people: ReidDataset, model: LookedAt, attribute_table: Path) -> None:
    """The table is gone, or of other people, or has changed: bars without marks, and why."""

    def shown(dataset: ReidDataset = people) -> str:
        html = attributes_part([model], people.query[:2], dataset, people.root, Pictures())
        assert [(kind, mark) for kind, _, _, mark in rows(html) if mark or " " in kind] == []
        assert "Green" not in html
        return re.sub(r"\s+", " ", html)

    other = replace(people, name="other", query=people.query[:2])
    assert re.search(
        "not marked, as .*csv is of the people of people, and the same number is another person in", shown(other)
    )
    text = attribute_table.read_text()
    try:
        attribute_table.write_text(text.replace("bag", "dress"))
        assert "csv now has other attributes than the model has learned" in shown()
        attribute_table.write_text("pid,hat,bag\n1,1,1\n")
        assert "csv says nothing of these pictures" in shown()
        attribute_table.unlink()
        assert re.search("the table of the training cannot be read: .*csv does not exist", shown())
    finally:
        attribute_table.write_text(text)


def test_colours_say_right_and_wrong_in_a_browser(people: ReidDataset, model: LookedAt, tmp_path: Path) -> None:
    layer = model.inspector.attributes
    assert layer
    certain = replace(layer, weight=np.zeros_like(layer.weight), bias=np.array([9, -9], np.float32))  # hats, never bags
    model.inspector.attributes = certain
    odd = next(record for record in people.query if record.pid in (7,))  # who has both
    html = attributes_part([model], [odd], people, people.root, Pictures())
    write_page(tmp_path / "page.html", "x", html)
    with browser(tmp_path) as page:
        page.open(tmp_path / "page.html")
        colours = page.evaluate("[...document.querySelectorAll('rect')].map((bar) => getComputedStyle(bar).fill)")
    assert colours == ["rgb(30, 125, 66)", "rgb(192, 51, 43)"]
