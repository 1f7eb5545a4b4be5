"""Which model, and what computes its embeddings: arguments and options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg

from scalereid.cli.errors import UsageError
from scalereid.cli.flags import flag_of
from scalereid.cli.options import Device, RunCode, otherwise
from scalereid.cli.terminal import Output
from scalereid.inference.embedder import Embedder
from scalereid.inference.metadata import ModelMetadata, Precision
from scalereid.inference.opening import RuntimeOptions, default_runtime
from scalereid.inference.pixel_format import PixelFormat, PresetName
from scalereid.inference.pixels import Channels
from scalereid.inference.runtimes import RuntimeName
from scalereid.retrieval import Distance

if TYPE_CHECKING:
    from scalereid.retrieval.calibration import Calibration
    from scalereid.runs.run import Run

ANY_MODEL = "A run, a weights file (ours or torchreid's), or an exported file, with --preset also of others."
Model = Annotated[Positional[str], arg(metavar="MODEL", help=ANY_MODEL)]
TorchModel = Annotated[Positional[str], arg(metavar="MODEL", help="A run, or a weights file (ours or torchreid's).")]
CalibrationFile = Annotated[
    Path | None, otherwise("the run's, if there is one"), arg(help="A calibration.json, for probabilities.")
]


@dataclass(frozen=True, kw_only=True)
class PixelOptions:
    """How pixels go into a .onnx or .xml file of others: a preset, or the rest."""

    preset: Annotated[PresetName | None, otherwise("none")] = None
    """Where the file comes from."""
    channels: Annotated[Channels | None, otherwise("RGB")] = None
    """Order of the channels."""
    scale: Annotated[float | None, otherwise("1")] = None
    """What values from 0 to 255 are divided by."""
    mean: Annotated[tuple[float, float, float] | None, otherwise("0 0 0"), arg(metavar="X X X")] = None
    """What is subtracted then, for each channel."""
    std: Annotated[tuple[float, float, float] | None, otherwise("1 1 1"), arg(metavar="X X X")] = None
    """What is divided by at last, for each channel."""

    def format(self) -> PixelFormat | str | None:
        """The format for the library; None for a model that says it itself.

        Raises:
            UsageError: A preset is given, and a part of a format, too.
        """
        parts = {name: value for name, value in vars(self).items() if name != "preset" and value is not None}
        if self.preset and parts:
            raise UsageError(f"--preset has no effect with --{next(iter(parts))}: leave one of them out")
        return self.preset or (PixelFormat(**parts) if parts else None)

    def words(self) -> list[str]:
        """The words that give these options on the command line."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return [
            word
            for name, value in given.items()
            for word in (flag_of(name), *map(str, value if isinstance(value, tuple) else [value]))
        ]


@dataclass(frozen=True, kw_only=True)
class Computing:
    """What computes the embeddings."""

    runtime: Annotated[Literal["auto"] | RuntimeName | None, otherwise("torch, or the exported file's own")] = None
    """What computes the embeddings; auto takes the fastest that agrees with torch."""
    precision: Annotated[Precision | None, otherwise("float32, or the exported file's own")] = None
    """Arithmetic precision."""
    batch_size: Annotated[int | None, otherwise("8 on a CPU, 128 on a GPU")] = None
    """Number of images computed together."""
    run_code: RunCode = False
    device: Device = "auto"

    def runtime_options(self, source: str) -> RuntimeOptions:
        """These options for one model."""
        return RuntimeOptions(**(vars(self) | {"runtime": self.runtime or default_runtime(source)}))


@dataclass(frozen=True, kw_only=True)
class ComputeOptions(Computing):
    """What computes the embeddings, and how pixels go into a file of others."""

    pixels: Annotated[PixelOptions, OmitArgPrefixes] = PixelOptions()

    def runtime_options(self, source: str) -> RuntimeOptions:
        """These options for one model."""
        chosen = {"runtime": self.runtime or default_runtime(source), "pixels": self.pixels.format()}
        return RuntimeOptions(**(vars(self) | chosen))

    def embedder(self, source: str, *, flip: bool = False, normalize: bool = True) -> Embedder:
        """One model at work with these options."""
        return Embedder(source, **vars(self.runtime_options(source)), flip=flip, normalize=normalize)


def run_of(source: str) -> "Run | None":
    """The run that a model is; None for a file."""
    if Path(source).is_file():  # which is used without torch, if it is an exported one
        return None
    from scalereid.runs.run import Run

    run = Run(Path(source))
    return run if run.exists else None


def find_calibration(
    source: str, file: Path | None, metadata: ModelMetadata, distance: Distance, output: Output, *, flip: bool = False
) -> "Calibration | None":
    """The calibration in `file`, or that of a run; None where there is none of these very embeddings.

    Raises:
        FileNotFoundError, ValueError: The file that is named does not exist, or is not a calibration of these embeddings.
    """
    from scalereid.retrieval.calibration import Calibration

    run = run_of(source)
    of_run = run.calibration if run and run.calibration.is_file() else None
    if not (found := file or of_run):
        return None
    calibration = Calibration.load(found)
    try:
        calibration.check(metadata.fingerprint, distance, flip=flip)
    except ValueError as error:
        if file:
            raise ValueError(f"{file}: {error}") from error
        output.say(f"no probabilities: {error} ({found})")
        return None
    return calibration
