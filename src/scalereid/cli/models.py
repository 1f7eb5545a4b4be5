"""Which model, and what computes its embeddings: arguments and options that several commands share."""

from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from scalereid.cli.options import Device, otherwise
from scalereid.inference.metadata import Precision
from scalereid.inference.opening import RuntimeOptions, is_exported
from scalereid.inference.runtimes import RuntimeName

ANY_MODEL = "A run, a weights file (ours or torchreid's), or an exported file."
Model = Annotated[Positional[str], arg(metavar="MODEL", help=ANY_MODEL)]
TorchModel = Annotated[Positional[str], arg(metavar="MODEL", help="A run, or a weights file (ours or torchreid's).")]
RunCode = Annotated[
    bool,
    arg(
        help="Run the code that comes with the model: its backbone's Python file, or a .pt2 file's program.",
        help_behavior_hint="",
    ),
]


@dataclass(frozen=True, kw_only=True)
class ComputeOptions:
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
        runtime = self.runtime or ("auto" if is_exported(source) else "torch")
        return RuntimeOptions(**(vars(self) | {"runtime": runtime}))
