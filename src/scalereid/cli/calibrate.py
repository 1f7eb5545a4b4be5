"""scalereid calibrate: what a model's distances mean."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.table import Table

from scalereid.cli.errors import UsageError
from scalereid.cli.models import ComputeOptions, Model, run_of
from scalereid.cli.options import DistanceOptions, Flat, otherwise
from scalereid.cli.terminal import Output
from scalereid.cli.writing import writing
from scalereid.retrieval import Method
from scalereid.wording import counted

if TYPE_CHECKING:
    from scalereid.retrieval.calibration import Calibration
    from scalereid.retrieval.open_set import OpenSet
    from scalereid.retrieval.pairs import OperatingPoint, PairDistances


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions:
    """What is calibrated with, and what is written."""

    data: Annotated[Path | None, otherwise("none")] = None
    """Folder of the datasets. Give this, or labelled pairs."""
    dataset: Annotated[str | None, otherwise("the one the run was scored on")] = None
    """Name of the dataset; see `scalereid datasets`."""
    pairs: Annotated[Path | None, otherwise("none")] = None
    """Labelled pairs of images, as `scalereid label` makes them: a .csv file."""
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
    seen, or on labelled pairs: thresholds at false-match rates, the probability
    that two images show the same person, and of a dataset open-set rates."""
    from scalereid.figures.curves import require_matplotlib
    from scalereid.retrieval.calibration import require_scikit_learn
    from scalereid.runs.run import Run

    require_matplotlib()
    require_scikit_learn()
    folder = _folder(source, options.out)
    with writing(Run(folder).calibration):
        output.result(_calibrate(source, folder, options, distances, compute, output))


def _calibrate(
    source: str,
    folder: Path,
    options: CalibrateOptions,
    distances: DistanceOptions,
    compute: ComputeOptions,
    output: Output,
) -> dict[str, Any]:
    """Calibrate into a folder; the document for --json."""
    for rate in options.rates:
        if not 0 < rate < 1:
            raise ValueError(f"a false-match rate is {rate}; it must be between 0 and 1")
    if options.pairs is None:
        if options.data is None:
            raise UsageError("Name what to calibrate on: --data FOLDER, or --pairs FILE.csv")
        return _on_people(source, options.data, options, distances, compute, folder, output)
    given = {"--data": options.data, "--dataset": options.dataset} | {f"--{k}": v for k, v in vars(distances).items()}
    if ignored := [flag for flag, value in given.items() if value is not None]:
        raise UsageError(f"--pairs takes the place of a dataset and its distances; leave out {', '.join(ignored)}")
    return _on_pairs(source, options.pairs, options, compute, folder, output)


def _on_people(
    source: str,
    data: Path,
    options: CalibrateOptions,
    distances: DistanceOptions,
    compute: ComputeOptions,
    folder: Path,
    output: Output,
) -> dict[str, Any]:
    """Calibrate on a dataset; the document for --json."""
    from scalereid.experiments.evaluation import evaluate
    from scalereid.experiments.options import EvaluationOptions
    from scalereid.retrieval.calibration import calibrate as calibrate_pairs
    from scalereid.retrieval.open_set import score_open_set
    from scalereid.retrieval.pairs import pair_distances

    scored = evaluate(
        source,
        data=data,
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
    output.say(f"\n{scored}\n\n{counted(found.same_pairs, 'pair')} of one person, {found.different_pairs:,} of two")
    output.show(_points_table(found.points), _open_set_table(open_set))
    return _keep(pairs, found, folder, output) | {"evaluation": scored.to_json(), "open_set": asdict(open_set)}


def _on_pairs(
    source: str, file: Path, options: CalibrateOptions, compute: ComputeOptions, folder: Path, output: Output
) -> dict[str, Any]:
    """Calibrate on labelled pairs; the document for --json."""
    from scalereid.inference.labelled_pairs import distances_of_pairs
    from scalereid.retrieval.answers import read_pairs
    from scalereid.retrieval.calibration import RATES
    from scalereid.retrieval.calibration import calibrate as calibrate_pairs

    labelled = read_pairs(file)
    with compute.embedder(source) as embedder:
        metadata, distances = embedder.metadata, distances_of_pairs(labelled, embedder, output.progress)
    pairs, counts = labelled.pair_distances(distances), labelled.counts
    found = calibrate_pairs(
        pairs,
        distance="cosine",
        model=metadata.model,
        fingerprint=metadata.fingerprint,
        dataset=f"{len(labelled.answers):,} labelled pairs ({file.name})",
        method=options.method,
        rates=options.rates,
    )
    output.say(
        f"\n{counted(counts['same'], 'pair')} of one person, {counts['different']:,} of two; left out: "
        f"{counts['unsure']:,} unsure, {counts['']:,} not labelled\n"
        f"They stand for {labelled.weights.sum():,.0f} pairs, of which about {found.prior:.2%} show one person"
    )
    output.show(_points_table(found.points))
    output.say(
        "True-match rates and the share of one person are rough: they rest on pairs that tell as much as "
        f"{pairs.effective_same:.0f} of one person drawn at random."
    )
    if too_small := [f"{rate:g}" for rate in RATES if rate < pairs.smallest_rate and not options.rates]:
        output.say(
            f"So few pairs cannot tell false-match rates of {', '.join(too_small)}; the smallest that they can is "
            f"{pairs.smallest_rate:.3g}. Label more."
        )
    if not labelled.model_fingerprint:
        output.say(
            f"{file} does not say how its pairs were drawn; rates are those of all pairs if they were drawn at random."
        )
    return _keep(pairs, found, folder, output) | {
        "effective_same_pairs": pairs.effective_same, "unsure": counts["unsure"], "not_labelled": counts[""],
        "stand_for": float(labelled.weights.sum()), "smallest_rate": pairs.smallest_rate,
    }  # fmt: skip


def _keep(pairs: "PairDistances", found: "Calibration", folder: Path, output: Output) -> dict[str, Any]:
    """Write the calibration and its pictures; what the documents for --json have in common."""
    from scalereid.figures.calibration import draw_distances, draw_roc
    from scalereid.retrieval.calibration import Calibration
    from scalereid.runs.run import Run

    folder.mkdir(parents=True, exist_ok=True)
    file, pictures = Run(folder).calibration, (folder / "distances.png", folder / "roc.png")
    if file.exists():
        try:
            earlier = f"An earlier calibration, on {Calibration.load(file).dataset},"
        except ValueError as error:
            earlier = f"{error}; it"
        output.say(f"{earlier} is replaced.")
    found.save(file)
    draw_distances(pairs, found, pictures[0])
    draw_roc(pairs, found, pictures[1])
    output.say(f"{_meaning(found)}\nIt is in {file}; pictures: {pictures[0]}, {pictures[1]}")
    return {
        "calibration": str(file), "pictures": [str(picture) for picture in pictures], "method": found.method,
        "prior": found.prior, "same_pairs": found.same_pairs, "different_pairs": found.different_pairs,
        "points": [asdict(point) for point in found.points],
    }  # fmt: skip


def _folder(source: str, out: Path | None) -> Path:
    """Where the calibration of `source` is kept."""
    if out is None and not run_of(source):
        raise ValueError(f"{source} is not a run to keep a calibration in; name a folder: out=FOLDER")
    return out or Path(source)


def _meaning(found: "Calibration") -> str:
    """One threshold in words."""
    middle = found.points[min(2, len(found.points) - 1)]
    sure = found.probability(middle.threshold, prior=0.5)
    return (
        f"At a distance of {middle.threshold:.4f} two images show the same person with a probability of {sure:.1%} where "
        f"one and two people are equally likely beforehand, and of {found.probability(middle.threshold):.1%} among this "
        f"dataset's pairs, {found.prior:.2%} of which show one person."
    )


def _points_table(points: "Sequence[OperatingPoint]") -> Table:
    """Thresholds, and their error rates."""
    table = Table("false matches wanted", "accept below")
    if any(point.interval for point in points):
        table.add_column("95 % interval", no_wrap=True)
    for heading in ("false-match rate", "true-match rate"):
        table.add_column(heading)
    for point in points:
        interval = [f"{point.interval[0]:.4f} to {point.interval[1]:.4f}"] if point.interval else []
        rates = f"{point.false_match_rate:.3%}", f"{point.true_match_rate:.2%}"
        table.add_row(f"{point.wanted:.3%}", f"{point.threshold:.4f}", *interval, *rates)
    return table


def _open_set_table(open_set: "OpenSet") -> Table:
    """Known people identified, and unknown ones rejected."""
    known = counted(open_set.known, "query", "queries")
    caption = f"open set: {known} of people in the gallery, {open_set.unknown:,} of others"
    table = Table("false alarms at most", "accept below", "found (DIR)", "all answers right", caption=caption)
    for point in open_set.points:
        rates = f"{point.identification_rate:.2%}", f"{point.accuracy:.2%}"
        table.add_row(f"{point.false_alarm_rate:.0%}", f"{point.threshold:.4f}", *rates)
    return table
