"""Retrieval of degraded queries: how much is lost, and query by query what is found instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from scalereid.data.images import as_jpeg, load_image
from scalereid.data.records import ImageRecord, one_per_tracklet
from scalereid.experiments.degraded import Degradation, Retrieved
from scalereid.experiments.evaluation import Evaluation
from scalereid.figures.browsing import ORDERS, order_tools, precisions, query_article
from scalereid.figures.pictures import Pictures, describe
from scalereid.figures.ranked_lists import found_records, ranked_list
from scalereid.figures.terms import TERMS
from scalereid.figures.tiles import Tile

_ORDERS = {
    "lowest": ORDERS["lowest"],
    "highest": ORDERS["highest"],
    "loss": "greatest loss of AP first",
    "models": "greatest difference between the models first",
    "dataset": ORDERS["dataset"],
}


@dataclass(frozen=True)
class Answered:
    """A model, and what it found for the queries."""

    name: str
    evaluation: Evaluation
    found: Sequence[Retrieved]
    """Under each degradation; the first one is none."""

    def average_precision(self, position: int) -> NDArray[np.float64]:
        """AP (degradations,) of one of the queries; NaN for one without a match."""
        results = [each.scores.per_query for each in self.found]
        return np.array([result.average_precision[position] for result in results if result])


def retrieval_part(models: Sequence[Answered], rows: Sequence[int], pictures: Pictures) -> str:
    """HTML of what each model finds for the queries in `rows` of the dataset, as they are and degraded.

    Raises:
        ValueError: An image cannot be read.
    """
    dataset = models[0].evaluation.dataset
    query, gallery = one_per_tracklet(dataset.query), one_per_tracklet(dataset.gallery)
    articles = [
        _query(f"query-{row}", query[row], gallery, position, models, pictures) for position, row in enumerate(rows)
    ]
    degradations = [each.degradation for each in models[0].found]
    return "\n".join(
        [
            _table(models, len(rows), len(query)),
            _tools(degradations, len(models)),
            '<div class="queries">',
            *articles,
            "</div>",
        ]
    )


def _query(
    anchor: str,
    record: ImageRecord,
    gallery: Sequence[ImageRecord],
    position: int,
    models: Sequence[Answered],
    pictures: Pictures,
) -> str:
    """One query: a part for each degradation, with a ranked list of each model."""
    pictures.add_record(record)
    pictures.add_search(record.pid, anchor)
    precision = np.stack([model.average_precision(position) for model in models])
    parts = []
    for number, each in enumerate(models[0].found):
        changed = as_jpeg(each.degradation.change(load_image(record.path)), quality=90)
        lists = []
        for model, of_model in zip(models, precision, strict=True):
            ranking = model.found[number].ranking
            first, *others = ranked_list(record, gallery, ranking, position)
            for found in found_records(gallery, ranking, position):
                pictures.add_record(found)
            tiles = [Tile(changed, "query", first.caption, f"{first.alt}, {each.degradation.name}"), *others]
            lists.append(f"<h4>{escape(model.name)} <b>AP {_share(of_model[number])}</b></h4>{pictures.tiles(tiles)}")
        parts.append(
            f'<div data-condition="{number}"><p class="name">{each.degradation.name}</p>{"".join(lists)}</div>'
        )
    return query_article(record, anchor, precisions(precision), escape(describe(record)), "".join(parts))


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.0%}"


def _table(models: Sequence[Answered], shown: int, there: int) -> str:
    """mAP and rank-1 of each model under each degradation."""
    head = "".join(f'<th scope="col">{escape(model.name)}</th>' for model in models)
    rows = []
    for number, each in enumerate(models[0].found):
        cells = ""
        for model in models:
            now, before = model.found[number].scores, model.found[0].scores
            lost = f"<small>{_points(now.mAP - before.mAP)} mAP</small>" if number else ""
            cells += f"<td>{now.mAP:.1%} / {now.rank(1):.1%}{lost}</td>"
        rows.append(
            f'<tr><th scope="row">{each.degradation.name}<small>{escape(each.degradation.words)}</small></th>{cells}</tr>'
        )
    scores = models[0].found[0].scores
    cautions = [f"{model.name}: {words}" for model in models for words in model.evaluation.cautions]
    which = f"all {there:,} queries" if shown == there else f"{shown:,} of {there:,} queries, evenly spread"
    unmatched = scores.queries_without_match
    without = f", {unmatched:,} of them without a match" if unmatched else ""
    return f"""<p>The queries are degraded, the gallery stays as it is. AP: {TERMS["AP"]}.</p>
<div class="wide"><table>
<caption>mAP / rank-1 of {which}{without}; {escape(scores.how())}</caption>
<tr><th></th>{head}</tr>
{"".join(rows)}
</table></div>
{"".join(f"<p><small>Caution: {escape(words)}</small></p>" for words in cautions)}"""


def _points(difference: float) -> str:
    """A difference of scores in percentage points."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def _tools(degradations: Sequence[Degradation], models: int) -> str:
    orders = {key: words for key, words in _ORDERS.items() if key != "models" or models > 1}
    if models > 1:
        orders = {key: words.replace("AP", "AP of A") for key, words in orders.items()}
    choices = "".join(
        f'<label><input type="radio" name="condition" value="{number}"{" checked" if number == 0 else ""}> {each.name}</label>'
        for number, each in enumerate(degradations)
    )
    return f"""<div class="tools">
<fieldset><legend>queries</legend>{choices}</fieldset>
{order_tools(orders)}
</div>
<p><small>Green and ✓: the same person; red and ×: another person. Press a picture to see it large, with the pictures most
similar to it and the search for its person.</small></p>"""
