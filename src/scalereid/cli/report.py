"""scalereid report: one page about a model on a dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from scalereid.cli.models import CalibrationFile, ComputeOptions, Model, find_calibration, run_of
from scalereid.cli.options import DatasetOptions, Flat, otherwise
from scalereid.cli.terminal import Output
from scalereid.cli.writing import writing

if TYPE_CHECKING:
    from scalereid.experiments.evaluation import Evaluation


@dataclass(frozen=True, kw_only=True)
class ReportOptions(DatasetOptions):
    """What is shown, and where."""

    out: Annotated[Path | None, otherwise("report/index.html in the run")] = None
    """The page, one HTML file with its pictures in it."""
    calibration: CalibrationFile = None


def report(source: Model, options: Flat[ReportOptions], compute: Flat[ComputeOptions], output: Flat[Output]) -> None:
    """Write a report, one page with pictures: scores and what they mean, the course
    of the training, ranked lists and mistakes."""
    scored, page = evaluate_and_report(source, options, compute, output)
    output.say(f"\n{scored}\n\nLook at it: {page}")
    output.result({"page": str(page), "evaluation": scored.to_json()})


def evaluate_and_report(
    source: str, options: ReportOptions, compute: ComputeOptions, output: Output
) -> "tuple[Evaluation, Path]":
    """Score a model, and write its report."""
    from scalereid.experiments.evaluation import evaluate
    from scalereid.figures.curves import require_matplotlib
    from scalereid.figures.report import write_report
    from scalereid.retrieval.calibration import Calibration

    run = run_of(source)
    if not (run or options.out):
        raise ValueError(f"{source} is not a run to keep a report in; name a file: out=page.html")
    if run and run.log():
        require_matplotlib()
    if options.calibration:
        Calibration.load(options.calibration)  # fails at once, not after embedding
    page = options.out or Path(source) / "report" / "index.html"
    with writing(page):
        runtime = compute.runtime_options(source)
        scored = evaluate(source, data=options.data, dataset=options.dataset, runtime=runtime, progress=output.progress)
        calibration = find_calibration(
            source, options.calibration, scored.model.metadata, scored.scores.distance, output
        )
        write_report(scored, page, run=run, calibration=calibration)
    return scored, page
