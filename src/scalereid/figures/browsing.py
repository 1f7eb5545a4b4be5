"""What a page of queries is browsed with: a filter by camera and person, an order, and pictures that open large."""

import json
from collections.abc import Iterable, Mapping
from math import isnan
from pathlib import Path

from scalereid.data.records import JUNK, ImageRecord
from scalereid.figures.pictures import filterable

_BESIDE = Path(__file__).parent
ORDERS = {"dataset": "as in the dataset", "lowest": "lowest AP first", "highest": "highest AP first"}
"""Orders of queries that the page's script knows, and what they are called."""
NO_SCRIPT = "<noscript><p>This page needs JavaScript to show its pictures.</p></noscript>"
"""HTML that says why no pictures are seen, where that is so."""
DIALOG = """<dialog id="large" aria-labelledby="words">
<form method="dialog"><button>close</button></form>
<div><img id="picture" alt=""><div><p id="words"></p><p id="search"></p><p id="near-words">Nearest pictures on this page:</p>
<div id="near"></div></div></div>
</dialog>"""
"""HTML of the window in which a picture opens."""


def browse_style() -> str:
    """CSS of such a page, beside that of every page."""
    return (_BESIDE / "browse.css").read_text(encoding="utf-8")


def browse_script() -> str:
    """JavaScript of such a page, which needs `filter_tools`, and for pictures that open `DIALOG` and `Pictures.data`.

    It filters elements of the class `item` with the attributes of `filterable`, and orders the articles in elements of the
    class `queries`, which need `order_tools`, by `data-ap`: see `precisions`.
    """
    return (_BESIDE / "browse.js").read_text(encoding="utf-8")


def filter_tools(records: Iterable[ImageRecord]) -> str:
    """HTML of a filter by the cameras and people of some records."""
    shown = [*records]
    cameras = sorted({record.camid for record in shown if record.camid >= 0})
    people = sorted({record.pid for record in shown if record.pid != JUNK})
    return f"""<div class="tools" id="filter">
<label>camera <select id="camera"><option value="">all</option>{_options(cameras)}</select></label>
<label>person <select id="person"><option value="">all</option>{_options(people)}</select></label>
<button type="button" id="clear">show all</button>
<output id="status"></output>
</div>"""


def order_tools(orders: Mapping[str, str] = ORDERS) -> str:
    """HTML of a choice among orders of queries, and of a filter for failures."""
    options = "".join(f'<option value="{key}">{words}</option>' for key, words in orders.items())
    return f"""<label>order <select id="order">{options}</select></label>
<label><input type="checkbox" id="failures"> only those whose first answer is wrong</label>"""


def precisions(values: Iterable[Iterable[float]]) -> str:
    """HTML attribute by which a query is ordered: its AP for each model under each degradation; NaN where it has no match."""
    found = [[None if isnan(ap) else round(float(ap), 4) for ap in of_model] for of_model in values]
    return f'data-ap="{json.dumps(found)}"'


def query_article(record: ImageRecord, anchor: str, average_precision: str, heading: str, body: str) -> str:
    """HTML of a query in an element of the class `queries`; `heading` and `body` are HTML, too.

    It is filtered and ordered, and `anchor` leads to it; `average_precision` is what `precisions` gives.
    """
    return (
        f'<article class="item" id="{anchor}" tabindex="-1" {filterable(record)} {average_precision}>'
        f"<h3>{heading}</h3>{body}</article>"
    )


def _options(numbers: Iterable[int]) -> str:
    return "".join(f'<option value="{number}">{number}</option>' for number in numbers)
