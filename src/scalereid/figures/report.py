"""One page about a model on a dataset: its scores, its training, what it finds and what it confuses."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from scalereid.data.records import one_per_tracklet
from scalereid.data.terms import terms_of_use
from scalereid.experiments.evaluation import Evaluation
from scalereid.figures.browsing import (
    DIALOG,
    NO_SCRIPT,
    browse_script,
    browse_style,
    filter_tools,
    order_tools,
    precisions,
    query_article,
)
from scalereid.figures.curves import training_curve
from scalereid.figures.neighbours import embeddings_by_file, nearest_pictures
from scalereid.figures.page import chart, folded_json, lines, write_page
from scalereid.figures.pictures import Pictures, describe
from scalereid.figures.ranked_lists import evenly_spaced, found_records, mistakes, ranked_list
from scalereid.figures.terms import TERMS, meaning_of_probabilities
from scalereid.retrieval.calibration import Calibration
from scalereid.retrieval.scores import Scores
from scalereid.runs.log import EpochLog
from scalereid.runs.run import Run

_ROWS = 16  # of ranked lists, and of mistakes
_METRICS = {
    "mAP": TERMS["mAP"],
    "mINP": TERMS["mINP"],
    "rank-1": f"rank-k: {TERMS['rank-k']}",
    "rank-5": "",
    "rank-10": "",
}
"""The scores on the page, and what is explained at each."""


def write_report(
    evaluation: Evaluation, file: Path, *, run: Run | None = None, calibration: Calibration | None = None
) -> None:
    """Write a page about an evaluation. It loads nothing from outside: its pictures are in it.

    Args:
        evaluation: Scores and embeddings of a model on a dataset.
        file: The HTML file to write.
        run: The run that the model is, whose log and settings are shown, too.
        calibration: Of the same model and distance; gives the probability that an image shows the query's person.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed, for a run with a log.
    """
    log = run.log() if run else []
    ranking = evaluation.rank()
    wrong = mistakes(ranking, _ROWS)
    query, gallery = (one_per_tracklet(records) for records in (evaluation.dataset.query, evaluation.dataset.gallery))
    probabilities = calibration.probability(ranking.distances.cpu().numpy()) if calibration else None
    per_query = evaluation.scores.per_query
    precision = per_query.average_precision if per_query else np.full(len(query), np.nan)
    some, pictures = evenly_spaced(_ROWS, len(query)), Pictures()

    def lists(rows: Sequence[int], name: str) -> str:
        articles = []
        for row in rows:
            for record in (query[row], *found_records(gallery, ranking, row)):
                pictures.add_record(record)
            pictures.add_search(query[row].pid, f"{name}-{row}")
            tiles = ranked_list(query[row], gallery, ranking, row, probabilities=probabilities)
            ap = "no match" if np.isnan(precision[row]) else f"AP {precision[row]:.0%}"
            heading, shown = f"{escape(describe(query[row]))} <b>{ap}</b>", pictures.tiles(tiles)
            articles.append(query_article(query[row], f"{name}-{row}", precisions([[precision[row]]]), heading, shown))
        return "\n".join(['<div class="queries">', *articles, "</div>"])

    found = lists(some, "query")
    confused = lists(wrong, "mistake")
    embeddings = embeddings_by_file(evaluation)
    on_page = {file: embeddings[file] for file in (str(record.path) for record in pictures.records())}
    body = f"""{_scores(run, log, evaluation)}
<p>{lines(str(evaluation))}</p>
{_training(log)}
<h2>Ranked lists</h2>
<p>A query, in the first frame, then the gallery images nearest to it. {_legend(evaluation, calibration)}</p>
{NO_SCRIPT}
{filter_tools(query[row] for row in {*some, *wrong})}
<div class="tools">{order_tools()}</div>
{found}
<h2>Mistakes</h2>
<p>{"Queries whose nearest image shows another person." if wrong else "The nearest image is right for every query."}</p>
{confused}
<h2>Facts</h2>
{_facts(run, evaluation)}
{DIALOG}
{pictures.data(nearest_pictures(on_page, evaluation.scores.distance))}"""
    title = run.folder.absolute().name if run else evaluation.model.metadata.model
    write_page(
        file,
        f"{title} on {evaluation.dataset.name}",
        body,
        style=browse_style(),
        script=browse_script(),
        terms=terms_of_use(evaluation.dataset.name),
    )


def _scores(run: Run | None, log: Sequence[EpochLog], evaluation: Evaluation) -> str:
    """The scores, before training too where they are of the same images, with what each of them means."""
    epoch = evaluation.model.metadata.epoch
    columns = {"before training" if epoch == 0 else f"after epoch {epoch}" if epoch else "score": evaluation.scores}
    if epoch and log and log[0].epoch == 0 and log[0].scores and _is_of(run, log[0].scores, evaluation):
        columns = {"before training": log[0].scores, **columns}
    rows = "\n".join(
        f"<tr><th>{metric}{f'<small>{meaning}</small>' if meaning else ''}</th>"
        f"{''.join(f'<td>{scores.metric(metric):.2%}</td>' for scores in columns.values())}</tr>"
        for metric, meaning in _METRICS.items()
    )
    return f"""<table>
<tr><th></th>{"".join(f"<th>{name}</th>" for name in columns)}</tr>
{rows}
</table>
<p><small>AP: {TERMS["AP"]}. CMC: {TERMS["CMC"]}.</small></p>"""


def _is_of(run: Run | None, before: Scores, evaluation: Evaluation) -> bool:
    """Whether scores in a run's log can be compared with an evaluation: of the same images, in the same way."""
    same_images = run is not None and run.dataset().target.fingerprint == evaluation.dataset.fingerprint()
    return same_images and before.how() == evaluation.scores.how()


def _training(log: Sequence[EpochLog]) -> str:
    if not log:
        return ""
    return (
        f"<h2>Training</h2>\n{chart(training_curve(log), f'loss and scores over {log[-1].epoch} epochs of training')}"
    )


def _legend(evaluation: Evaluation, calibration: Calibration | None) -> str:
    words = ["Green and ✓: the same person; red and ×: another person."]
    if any(record.camid >= 0 for record in evaluation.dataset.gallery):
        words.append("c1, c2 …: the camera.")
    if evaluation.scores.protocol != "all-cameras":
        words.append("Images of the query's person from the query's own camera are left out.")
    if calibration:
        words.append(escape(meaning_of_probabilities(calibration)))
    words.append("Once all right images are found, the images that follow can only be wrong.")
    words.append(
        "Press a picture to see it large, with the pictures on this page most similar to it and what is found for its person."
    )
    return " ".join(words)


def _facts(run: Run | None, evaluation: Evaluation) -> str:
    """Settings, data and environment, as JSON in parts that open with a click."""
    metadata = evaluation.model.metadata
    parts: dict[str, Any] = {"Evaluation and its data": evaluation.to_json()}
    if metadata.recipe:
        parts["Settings of the training"] = json.loads(metadata.recipe)
    if run:
        parts["Data of the training"] = run.dataset().to_json()
        parts["Environment of the training"] = [each.to_json() for each in run.environments()]
    return "\n".join(folded_json(name, values) for name, values in parts.items())
