"""One page about one run: its scores, its curve, what it finds and what it confuses."""

import json
from html import escape
from pathlib import Path
from typing import Any

from scalereid.data.records import ReidDataset, one_per_tracklet
from scalereid.figures.curves import draw_training_curve
from scalereid.figures.ranked_lists import draw_ranked_lists, evenly_spaced, mistakes
from scalereid.retrieval.calibration import Calibration
from scalereid.retrieval.ranking import Ranking
from scalereid.retrieval.scores import Scores
from scalereid.runs.run import Run, write

_ROWS = 8


def write_report(
    run: Run,
    *,
    scores: Scores,
    epoch: int | None,
    summary: str,
    ranking: Ranking,
    dataset: ReidDataset,
    calibration: Calibration | None = None,
) -> Path:
    """Write `report/index.html` and its pictures into the run; returns the page.

    The page asks for nothing from outside. `epoch` and `summary` say what the scores are scores of. With a `calibration`, which
    must be of the same distance, each image found carries the probability that it shows the query's person.

    Raises:
        ModuleNotFoundError: Matplotlib is not installed.
    """
    folder = run.folder / "report"
    folder.mkdir(exist_ok=True)
    log = run.epochs()
    draw_training_curve(log, folder / "curve.png")
    query, gallery = one_per_tracklet(dataset.query), one_per_tracklet(dataset.gallery)
    probabilities = None
    if calibration:
        probabilities = calibration.probability(ranking.distances.cpu().numpy())
    wrong = mistakes(ranking, _ROWS)
    for name, rows in (("ranked_lists", evenly_spaced(_ROWS, len(query))), ("mistakes", wrong)):
        file = folder / f"{name}.png"
        file.unlink(missing_ok=True)
        if rows:
            draw_ranked_lists(query, gallery, ranking, rows, probabilities=probabilities).save(file)
    page = folder / "index.html"
    html = _page(run, log, scores, epoch, summary, bool(wrong), calibration)
    write(page, lambda partial: partial.write_text(html, encoding="utf-8"))
    return page


def _page(
    run: Run,
    log: list[dict[str, Any]],
    scores: Scores,
    epoch: int | None,
    summary: str,
    has_mistakes: bool,
    calibration: Calibration | None,
) -> str:
    first = next((entry for entry in log if "scores" in entry), None)
    rows = [
        (
            f"after epoch {epoch}" if epoch else "before training",
            scores.mAP,
            scores.mINP,
            *(scores.rank(k) for k in (1, 5, 10)),
        )
    ]
    if epoch and first and first["epoch"] == 0:
        start = first["scores"]
        rows.insert(0, ("before training", start["mAP"], start["mINP"], *(start["cmc"][k - 1] for k in (1, 5, 10))))
    table = "\n".join(
        f"<tr><th>{name}</th>{''.join(f'<td>{value:.2%}</td>' for value in values)}</tr>" for name, *values in rows
    )
    probabilities = (
        f" Per cent: the probability of the same person, calibrated on {escape(calibration.dataset)}, where "
        f"{calibration.prior:.2%} of all pairs are of one person."
        if calibration
        else ""
    )
    mistakes_section = (
        '<h2>What it confuses</h2>\n<p>Queries whose nearest image shows somebody else.</p>\n<img src="mistakes.png" alt="">'
        if has_mistakes
        else "<h2>What it confuses</h2>\n<p>Nothing: the nearest image is right for every query.</p>"
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
<tr><th></th><th>mAP</th><th>mINP</th><th>rank-1</th><th>rank-5</th><th>rank-10</th></tr>
{table}
</table>
<h2>How it learned</h2>
<img src="curve.png" alt="training loss and scores over the epochs">
<h2>What it finds</h2>
<p>Each line: a query, then the gallery images nearest to it. Green and ✓: the same person; red and ×: somebody else;
c1, c2 …: the camera.{probabilities} Images of the query's person from the query's own camera are left out, and once all
right images are found, what follows can only be wrong.</p>
<img src="ranked_lists.png" alt="ranked lists">
{mistakes_section}
<h2>How it was made</h2>
<pre>{escape(json.dumps(run.recipe().to_json(), indent=2))}</pre>
<pre>{escape(json.dumps(run.dataset(), indent=2))}</pre>
<pre>{escape((run.folder / "environment.json").read_text())}</pre>
</html>
"""
