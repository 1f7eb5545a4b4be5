"""One page about one run: its scores, its curve, what it finds and what it confuses."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from scalereid.data.records import one_per_tracklet
from scalereid.experiments.evaluation import Evaluation
from scalereid.figures.curves import draw_training_curve
from scalereid.figures.ranked_lists import draw_ranked_lists, evenly_spaced, mistakes
from scalereid.files import write
from scalereid.retrieval.calibration import Calibration
from scalereid.retrieval.scores import Scores
from scalereid.runs.log import EpochLog
from scalereid.runs.run import Run

_ROWS = 8
_METRICS = ("mAP", "mINP", "rank-1", "rank-5", "rank-10")


def write_report(run: Run, evaluation: Evaluation, calibration: Calibration | None = None) -> Path:
    """Write `report/index.html` and its pictures into the run; returns the page.

    The page loads nothing from outside. With a `calibration`, which must be of the same distance, each image found carries
    the probability that it shows the query's person.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
    """
    folder = run.folder / "report"
    folder.mkdir(exist_ok=True)
    log, ranking = run.log(), evaluation.rank()
    draw_training_curve(log, folder / "curve.png")
    query, gallery = (one_per_tracklet(records) for records in (evaluation.dataset.query, evaluation.dataset.gallery))
    probabilities = calibration.probability(ranking.distances.cpu().numpy()) if calibration else None
    wrong = mistakes(ranking, _ROWS)
    for name, rows in (("ranked_lists", evenly_spaced(_ROWS, len(query))), ("mistakes", wrong)):
        file = folder / f"{name}.png"
        file.unlink(missing_ok=True)
        if rows:
            draw_ranked_lists(query, gallery, ranking, rows, probabilities=probabilities).save(file)
    html = _page(run, _scores_table(log, evaluation), str(evaluation), bool(wrong), calibration)
    write(folder / "index.html", lambda partial: partial.write_text(html, encoding="utf-8"))
    return folder / "index.html"


def _scores_table(log: Sequence[EpochLog], evaluation: Evaluation) -> str:
    """The scores before and after training as rows of an HTML table."""
    epoch = evaluation.model.metadata.epoch
    rows = {f"after epoch {epoch}" if epoch else "before training": evaluation.scores}
    if epoch and log and log[0].epoch == 0 and log[0].scores:
        rows = {"before training": log[0].scores, **rows}
    return "\n".join(_table_row(name, scores) for name, scores in rows.items())


def _table_row(name: str, scores: Scores) -> str:
    cells = "".join(f"<td>{scores.metric(metric):.2%}</td>" for metric in _METRICS)
    return f"<tr><th>{name}</th>{cells}</tr>"


def _page(run: Run, scores_table: str, summary: str, has_mistakes: bool, calibration: Calibration | None) -> str:
    probabilities = (
        f" Per cent: the probability of the same person, calibrated on {escape(calibration.dataset)}, where "
        f"{calibration.prior:.2%} of all pairs show the same person."
        if calibration
        else ""
    )
    mistakes_section = (
        "<p>Queries whose nearest image shows another person.</p>\n"
        '<img src="mistakes.png" alt="ranked lists of queries whose nearest image is wrong">'
        if has_mistakes
        else "<p>The nearest image is right for every query.</p>"
    )
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(run.folder.name)} · scalereid</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
h1, h2 {{ line-height: 1.2; margin-top: 2rem; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .3rem 1rem .3rem 0; text-align: right; border-bottom: 1px solid #ddd; }}
th {{ text-align: left; font-weight: 600; }}
img {{ max-width: 100%; }}
pre {{ background: #f4f4f4; padding: 1rem; overflow-x: auto; font-size: .8rem; }}
</style>
<h1>{escape(run.folder.name)}</h1>
<p>{"<br>".join(escape(line) for line in summary.splitlines())}</p>
<table>
<tr><th></th>{"".join(f"<th>{metric}</th>" for metric in _METRICS)}</tr>
{scores_table}
</table>
<h2>Training</h2>
<img src="curve.png" alt="training loss and scores over the epochs">
<h2>Ranked lists</h2>
<p>Each line: a query, then the gallery images nearest to it. Green and ✓: the same person; red and ×: another person;
c1, c2 …: the camera.{probabilities} Images of the query's person from the query's own camera are left out. Once all right
images are found, the images that follow can only be wrong.</p>
<img src="ranked_lists.png" alt="ranked lists">
<h2>Mistakes</h2>
{mistakes_section}
<h2>Settings, data and environment</h2>
<pre>{escape(json.dumps(run.recipe().to_json(), indent=2))}</pre>
<pre>{escape(json.dumps(run.dataset().to_json(), indent=2))}</pre>
<pre>{escape((run.folder / "environment.json").read_text())}</pre>
</html>
"""
