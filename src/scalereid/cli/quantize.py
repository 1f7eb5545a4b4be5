"""scalereid quantize: a model in int8."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.table import Table

from scalereid.cli.errors import UsageError
from scalereid.cli.models import TorchModel
from scalereid.cli.options import DataFolder, Flat, RunCode, Switch, otherwise
from scalereid.cli.terminal import Output

if TYPE_CHECKING:
    from scalereid.inference.quantization import Accuracy


@dataclass(frozen=True, kw_only=True)
class QuantizeOptions:
    """What is calibrated with, and what is kept."""

    data: DataFolder
    dataset: str
    """Dataset to calibrate with, and to score on before and after."""
    out: Annotated[Path | None, otherwise("int8.xml in the run")] = None
    """A .xml file for OpenVINO."""
    max_loss: float = 0.5
    """Largest loss of mAP, in percentage points, with which the file is kept."""
    force: Switch = False
    """Keep the file however much is lost."""
    run_code: RunCode = False


def quantize(source: TorchModel, options: Flat[QuantizeOptions], output: Flat[Output]) -> None:
    """Write a model in int8 for OpenVINO, kept only if it finds people as well as
    before."""
    from scalereid.inference.quantization import LossTooLargeError, verdict
    from scalereid.inference.quantization import quantize as quantize_model
    from scalereid.runs.run import Run

    if not 0 <= options.max_loss <= 100:
        raise UsageError(f"--max-loss is {options.max_loss:g}; expected percentage points, from 0 to 100")
    try:
        with output.undisturbed():
            metadata, report = quantize_model(
                source,
                options.out,
                data=options.data,
                dataset=options.dataset,
                max_loss=options.max_loss / 100,
                force=options.force,
                run_code=options.run_code,
                progress=output.progress,
            )
    except LossTooLargeError as error:
        output.show(_accuracy_table(error.report, caption=f"{source} on {options.dataset}, cosine distance"))
        output.result({"out": None, "metadata": None, "accuracy": [asdict(row) for row in error.report]})
        raise
    out = options.out or Run(Path(source)).int8
    output.show(_accuracy_table(report, caption=f"{metadata.model} on {options.dataset}, cosine distance"))
    output.say(f"{verdict(report)}\nkept: {out}")
    output.result({"out": str(out), "metadata": asdict(metadata), "accuracy": [asdict(row) for row in report]})


def _accuracy_table(report: "Sequence[Accuracy]", caption: str) -> Table:
    """Accuracy and speed of each precision."""
    table = Table("precision", "mAP", "rank-1", "mean cosine to float32", "images/s here", caption=caption)
    for row in report:
        table.add_row(row.precision, f"{row.mAP:.2%}", f"{row.rank1:.2%}", f"{row.cosine:.4f}", f"{row.rate:,.0f}")
    return table
