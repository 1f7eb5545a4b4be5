"""scalereid report: one page about a run."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scalereid.cli.models import ComputeOptions
from scalereid.cli.options import DataFolder, Flat
from scalereid.cli.terminal import Output
from scalereid.experiments.evaluation import Evaluation, evaluate
from scalereid.figures.curves import require_matplotlib
from scalereid.figures.report import write_report
from scalereid.retrieval.calibration import Calibration
from scalereid.runs.run import Run


def report(
    folder: Annotated[Positional[Path], arg(metavar="RUN", help="Folder of the run.")],
    data: DataFolder,
    compute: Flat[ComputeOptions],
    output: Flat[Output],
) -> None:
    """Write a run's report, one page with pictures: its scores, the course of its
    training, ranked lists and mistakes."""
    require_matplotlib()
    scored, page = evaluate_and_report(Run(folder), data, compute, output)
    output.say(f"\n{scored}\n\nLook at it: {page}")
    output.result({"page": str(page), "evaluation": scored.to_json()})


def evaluate_and_report(run: Run, data: Path, compute: ComputeOptions, output: Output) -> tuple[Evaluation, Path]:
    """Score a run, and write its report."""
    run.recipe()  # says so where the folder is not a run
    runtime = compute.runtime_options(str(run.folder))
    scored = evaluate(run.folder, data=data, runtime=runtime, progress=output.progress)
    return scored, write_report(run, scored, _calibration(run, scored, output))


def _calibration(run: Run, scored: Evaluation, output: Output) -> Calibration | None:
    """The run's calibration, where it is of these very embeddings."""
    if not run.calibration.is_file():
        return None
    calibration = Calibration.load(run.calibration)
    if (calibration.fingerprint, calibration.distance) == (scored.model.metadata.fingerprint, scored.scores.distance):
        return calibration
    output.say(f"{run.calibration} is of other weights or another distance and not shown; calibrate again")
    return None
