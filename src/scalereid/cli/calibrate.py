"""scalereid calibrate: what a model's distances mean."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from rich.table import Table

from scalereid.cli.models import ComputeOptions, Model
from scalereid.cli.options import DatasetOptions, DistanceOptions, Flat, otherwise
from scalereid.cli.terminal import Output
from scalereid.experiments.evaluation import evaluate
from scalereid.experiments.options import EvaluationOptions
from scalereid.figures.calibration import draw_distances, draw_roc
from scalereid.figures.curves import require_matplotlib
from scalereid.retrieval.calibration import Calibration, Method
from scalereid.retrieval.calibration import calibrate as calibrate_pairs
from scalereid.retrieval.open_set import OpenSet, score_open_set
from scalereid.retrieval.pairs import OperatingPoint, pair_distances
from scalereid.runs.run import Run


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions(DatasetOptions):
    """What is calibrated with, and what is written."""

    rates: Annotated[tuple[float, ...], otherwise("0.1 to 0.0001, as far as there are pairs")] = ()
    """False-match rates to find thresholds for."""
    method: Method = "logistic"
    """Regression from distances to probabilities."""
    out: Annotated[Path | None, otherwise("the run's")] = None
    """Folder for the calibration and its pictures."""


def calibrate(
    source: Model,
    options: Flat[CalibrateOptions],
    distances: Flat[DistanceOptions],
    compute: Flat[ComputeOptions],
    output: Flat[Output],
) -> None:
    """Find out what a model's distances mean, on a dataset whose people it has not
    seen: thresholds at false-match rates, the probability that two images show
    the same person, and open-set identification rates."""
    require_matplotlib()
    folder = _folder(source, options.out)
    for rate in options.rates:
        if not 0 < rate < 1:
            raise ValueError(f"a false-match rate is {rate}; it must be between 0 and 1")
    scored = evaluate(
        source,
        data=options.data,
        dataset=options.dataset,
        options=EvaluationOptions(distance=distances.distance, protocol=distances.protocol),
        runtime=compute.runtime_options(source),
        progress=output.progress,
    )
    distance, protocol = scored.scores.distance, scored.scores.protocol
    pairs = pair_distances(scored.query, scored.gallery, distance=distance, protocol=protocol)
    open_set = score_open_set(scored.query, scored.gallery, distance=distance, protocol=protocol)
    found = calibrate_pairs(
        pairs,
        distance=distance,
        model=scored.model.metadata.model,
        fingerprint=scored.model.metadata.fingerprint,
        dataset=f"{scored.dataset.name} ({scored.dataset.fingerprint()})",
        method=options.method,
        rates=options.rates,
    )
    folder.mkdir(parents=True, exist_ok=True)
    file, pictures = Run(folder).calibration, (folder / "distances.png", folder / "roc.png")
    if file.exists():
        output.say(f"An earlier calibration, on {Calibration.load(file).dataset}, is replaced.")
    found.save(file)
    draw_distances(pairs, found, pictures[0])
    draw_roc(pairs, found, pictures[1])
    output.say(f"\n{scored}\n\n{found.same_pairs:,} pairs of one person, {found.different_pairs:,} of two")
    output.show(_points_table(found.points), _open_set_table(open_set))
    output.say(f"{_meaning(found)}\nIt is in {file}; pictures: {pictures[0]}, {pictures[1]}")
    output.result({
        "calibration": str(file), "pictures": [str(picture) for picture in pictures], "evaluation": scored.to_json(),
        "method": found.method, "prior": found.prior, "same_pairs": found.same_pairs,
        "different_pairs": found.different_pairs, "points": [asdict(point) for point in found.points],
        "open_set": asdict(open_set),
    })  # fmt: skip


def _folder(source: str, out: Path | None) -> Path:
    """Where the calibration of `source` is kept."""
    if out is None and not (Path(source) / "recipe.json").is_file():
        raise ValueError(f"{source} is not a run to keep a calibration in; name a folder: out=FOLDER")
    return out or Path(source)


def _meaning(found: Calibration) -> str:
    """One threshold in words."""
    middle = found.points[min(2, len(found.points) - 1)]
    sure = found.probability(middle.threshold, prior=0.5)
    return (
        f"At a distance of {middle.threshold:.4f} two images show the same person with a probability of {sure:.1%} where "
        f"one and two people are equally likely beforehand, and of {found.probability(middle.threshold):.1%} among this "
        f"dataset's pairs, {found.prior:.2%} of which show one person."
    )


def _points_table(points: Sequence[OperatingPoint]) -> Table:
    """Thresholds, and their error rates."""
    table = Table("false matches wanted", "accept below", "false-match rate", "true-match rate")
    for point in points:
        rates = f"{point.false_match_rate:.3%}", f"{point.true_match_rate:.2%}"
        table.add_row(f"{point.wanted:.3%}", f"{point.threshold:.4f}", *rates)
    return table


def _open_set_table(open_set: OpenSet) -> Table:
    """Known people identified, and unknown ones rejected."""
    caption = f"open set: {open_set.known:,} queries of people in the gallery, {open_set.unknown:,} of others"
    table = Table("false alarms at most", "accept below", "found (DIR)", "all answers right", caption=caption)
    for point in open_set.points:
        rates = f"{point.identification_rate:.2%}", f"{point.accuracy:.2%}"
        table.add_row(f"{point.false_alarm_rate:.0%}", f"{point.threshold:.4f}", *rates)
    return table
