from dataclasses import replace
from pathlib import Path

from scalereid.data.records import ReidDataset
from scalereid.figures.browsing import (
    browse_script,
    browse_style,
    filter_tools,
    order_tools,
    precisions,
)
from scalereid.figures.page import write_page
from scalereid.figures.pictures import filterable
from tests.browser import browser


def test_cameras_and_people_that_are_known_can_be_chosen(people: ReidDataset) -> None:
    records = [replace(people.query[0], pid=pid, camid=camid) for pid, camid in ((9, 2), (-1, -1), (0, 1), (7, 2))]
    html = filter_tools(records)
    assert '<option value="">all</option><option value="1">1</option><option value="2">2</option></select>' in html
    people_to_choose = "".join(f'<option value="{pid}">{pid}</option>' for pid in (0, 7, 9))
    assert f'<option value="">all</option>{people_to_choose}</select>' in html


def test_precisions_are_json() -> None:
    assert precisions([[0.123456, float("nan")], [1, 0]]) == 'data-ap="[[0.1235, null], [1.0, 0.0]]"'


def test_in_a_browser(people: ReidDataset, tmp_path: Path) -> None:
    """Queries are ordered in each list by itself, and those without a match come last; filters add up."""
    record = people.query[0]
    articles = []
    for name, ap, camid, first in (("a", 0.5, 1, "right"), ("b", float("nan"), 2, "wrong"), ("c", 0.1, 2, "wrong")):
        attributes = filterable(replace(record, camid=camid))
        figures = f'<figure class="query"></figure><figure class="{first}"></figure>'
        articles.append(
            f'<article class="item" id="{name}" {attributes} {precisions([[ap]])}><div class="tiles">{figures}</div></article>'
        )
    body = "".join([
        filter_tools([replace(record, camid=camid) for camid in (1, 2)]), order_tools(),
        f'<div class="queries">{"".join(articles)}</div>', '<div class="queries"></div>',
    ])  # fmt: skip
    write_page(tmp_path / "page.html", "x", body, style=browse_style(), script=browse_script())
    with browser(tmp_path / "browser") as page:
        page.open(tmp_path / "page.html", width=390)
        names = "[...document.querySelectorAll('article')].map((one) => one.id).join('')"
        shown = "[...document.querySelectorAll('article:not([hidden])')].map((one) => one.id).join('')"
        assert page.evaluate(names) == "abc"
        for order, expected in (("lowest", "cab"), ("highest", "acb"), ("dataset", "abc")):
            page.evaluate(f"at('order').value = '{order}'; at('order').dispatchEvent(new Event('change'))")
            assert page.evaluate(names) == expected
        page.evaluate("at('failures').click()")
        assert page.evaluate(shown) == "bc"
        page.evaluate("at('camera').value = '1'; at('camera').dispatchEvent(new Event('change'))")
        assert page.evaluate(shown) == ""
        assert page.evaluate("at('status').textContent") == "0 of 3"
        page.evaluate("at('clear').click()")
        assert page.evaluate(shown) == "abc"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
