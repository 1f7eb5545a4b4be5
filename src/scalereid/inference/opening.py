"""Opening a model to embed images: runs, weights and exported files alike."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scalereid.arguments import check_choice, check_kind, check_whole
from scalereid.attributes.layer import AttributeLayer
from scalereid.classification.layer import ClassLayer
from scalereid.data.image_size import ImageSize, check_image_size
from scalereid.inference.embedding import BatchedRuntime, default_batch_size
from scalereid.inference.foreign import open_foreign
from scalereid.inference.metadata import ModelMetadata, Precision
from scalereid.inference.pixel_format import PRESETS, PixelFormat, find_format
from scalereid.inference.runtimes import (
    Runtime,
    RuntimeKind,
    inspect_file,
    read_metadata,
    require_runtime,
    runtime_of_file,
)
from scalereid.inference.signature import Contents, Signature
from scalereid.inference.stored_layers import layers_of
from scalereid.packages import require
from scalereid.runs.saved_recipe import SavedRecipe

if TYPE_CHECKING:
    from scalereid.models.released import LoadReport
    from scalereid.runs.checkpoint import Source

_MOST = 1_000_000  # images computed together
_SAYS_ITSELF = "and says itself how its pixels go in; leave pixels out"


@dataclass(frozen=True, kw_only=True)
class RuntimeOptions:
    """What computes a model's embeddings, and where.

    Raises:
        ValueError: One is of the wrong type, out of range or unknown.
    """

    runtime: str = "auto"
    """Name of a runtime; `auto` measures the installed ones and takes the fastest that agrees with torch."""
    precision: Precision | None = None
    """Arithmetic precision. Defaults to float32, or the exported file's.

    `bfloat16` is up to twice as fast on processors that support it, with hardly any loss. `int8` needs a model that was
    quantized; where bfloat16 is as fast, `auto` takes that instead.
    """
    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, …; runtimes other than torch compute on the CPU."""
    batch_size: int | None = None
    """Number of images computed together. Defaults to 8 on a CPU, 128 on a GPU."""
    run_code: bool = False
    """Allow a model that runs code of its own when it is loaded: a backbone in a Python file, or a .pt2 file."""
    pixels: PixelFormat | str | None = None
    """How pixels go into an ONNX or OpenVINO file that scalereid did not write, or the name of a preset: `torchreid`,
    `fast-reid` or `open-model-zoo`. None for all other models, which say it themselves."""

    def __post_init__(self) -> None:
        check_kind("runtime", self.runtime, str)
        if self.precision is not None:
            check_choice("precision", self.precision, Precision)
        check_kind("device", self.device, str)
        if self.batch_size is not None:
            check_whole("batch_size", self.batch_size, 1, _MOST)
        check_kind("run_code", self.run_code, bool)
        if self.pixels is not None:
            find_format(self.pixels)


@dataclass(frozen=True, kw_only=True)
class OpenModel(BatchedRuntime):
    """A model that is ready to embed images."""

    metadata: ModelMetadata
    report: "LoadReport | None"
    """Which tensors of its weights matched; None for an exported file."""
    attributes: AttributeLayer | None = None
    """What makes likelihoods of attributes from its embeddings; None for a model that has learned none."""
    classes: ClassLayer | None = None
    """What makes probabilities of classes from its embeddings; None for a model of people."""

    @property
    def recipe(self) -> SavedRecipe | None:
        """The recipe it was trained by; None if not known."""
        return SavedRecipe(self.metadata.recipe) if self.metadata.recipe else None

    @property
    def trained_on(self) -> str:
        """Name of its training dataset; empty if not known."""
        return self.metadata.trained_on


def is_exported(source: "Source") -> bool:
    """Whether a source is an exported file, which has a runtime of its own."""
    return isinstance(source, str | os.PathLike) and runtime_of_file(Path(source)) is not None


def is_of_others(source: "Source") -> bool:
    """Whether a source is a .onnx or .xml file that scalereid did not write, so that `pixels` have to be given.

    Raises:
        FileNotFoundError, ValueError: It is such a file, but does not exist or is damaged.
    """
    return is_exported(source) and inspect_file(Path(source)).metadata is None  # type: ignore[arg-type] # a path


def require_source(source: "Source") -> None:
    """Check that a model is there, before others are put to work.

    Raises:
        FileNotFoundError, ValueError: It is not.
    """
    if is_exported(source):
        inspect_file(Path(source))  # type: ignore[arg-type] # a path
    elif isinstance(source, str | os.PathLike):
        from scalereid.runs.checkpoint import weights_file  # here, as an exported file needs no torch

        weights_file(Path(source))


def require_trained(source: "Source", purpose: str) -> None:
    """Check that a model is not an exported file, as `purpose`, a verb, takes a network that torch can open.

    Raises:
        ValueError: It is one.
    """
    if is_exported(source):
        raise ValueError(
            f"{os.fspath(source)} is an exported file, which gives embeddings alone; "  # type: ignore[arg-type] # a path
            f"to {purpose}, give the run or the weights that it was made of"
        )


def default_runtime(source: "Source") -> str:
    """What computes a model's embeddings where nobody says: torch, which starts at once, or an exported file's own runtime."""
    return "auto" if is_exported(source) else "torch"


def open_model(source: "Source", options: RuntimeOptions, *, image_size: ImageSize | None = None) -> OpenModel:
    """Load a model and prepare its runtime.

    Args:
        source: A run, a weights file of ours or torchreid's, a mapping from torchreid's tensor names to tensors, an exported
            file (.onnx, .xml, .pt2), or, where `options.pixels` are given, a .onnx or .xml file of others.
        options: What computes, and where.
        image_size: (height, width) of its images. Defaults to the size that it was trained with.

    Raises:
        FileNotFoundError: The source does not exist.
        ValueError: The source is damaged or does not fit the options; the message says what to do.
        ModuleNotFoundError: The runtime is not installed; the message says how to install it.
    """
    if image_size:
        check_image_size(image_size)
    if is_exported(source):
        return _open_exported(Path(source), options, image_size)  # type: ignore[arg-type] # a path
    if options.pixels is not None:
        name = os.fspath(source) if isinstance(source, str | os.PathLike) else "the model"
        raise ValueError(f"{name} is not a .onnx or .xml file, {_SAYS_ITSELF}")
    require("torch", extra="", purpose="runs and weights; an exported file (.onnx, .xml) does without")
    from scalereid.inference.trained import open_trained  # here, as an exported file needs no torch

    return open_trained(source, options, image_size)


def _open_exported(file: Path, options: RuntimeOptions, image_size: ImageSize | None) -> OpenModel:
    """An exported file, on the CPU by its own runtime."""
    own = runtime_of_file(file)
    assert own is not None, "is_exported was asked first"
    if options.device not in ("auto", "cpu"):
        raise ValueError(
            f"{file} is computed on the CPU, not on {options.device!r}; give the run or the weights for that"
        )
    if options.runtime not in ("auto", own.name):
        raise ValueError(f"{file} is for {own.name}, not for {options.runtime}")
    contents = inspect_file(file)
    if contents.metadata is None and contents.signature:
        metadata, runtime = _open_others(file, own, contents.signature, options)
    else:
        metadata, runtime = _open_ours(file, own, contents, options)
    try:
        layers = layers_of(contents.texts, metadata.embedding_size)
    except ValueError as error:
        raise ValueError(f"{file}: {error}; export the model again") from error
    if image_size and image_size != metadata.image_size:
        raise ValueError("{} takes images of {}×{}, not of {}×{}".format(file, *metadata.image_size, *image_size))
    batch_size = options.batch_size or default_batch_size("cpu")
    return OpenModel(runtime=runtime, batch_size=batch_size, metadata=metadata, report=None, **layers._asdict())


def _open_ours(
    file: Path, own: RuntimeKind, contents: Contents, options: RuntimeOptions
) -> tuple[ModelMetadata, Runtime]:
    """A file that scalereid wrote, and compared with torch then."""
    metadata = read_metadata(file, contents)
    if options.pixels is not None:
        raise ValueError(f"{file} was written by scalereid, {_SAYS_ITSELF}")
    if not metadata.takes_pixels:
        raise ValueError(f"{file} takes {metadata.input}; export the model with normalisation inside")
    precision = options.precision or metadata.precision
    if (metadata.precision == "int8") != (precision == "int8"):
        raise ValueError(f"{file} is in {metadata.precision}, not in {precision}; leave precision out")
    require_runtime(own.name, precision, "cpu")
    if own.files_hold_code and not options.run_code:
        raise ValueError(
            f"{file} may hold any code, as torch's files can; load it only if you trust its source, with run_code=True"
        )
    return metadata, own.load().of_file(file, metadata, precision)


def _open_others(
    file: Path, own: RuntimeKind, signature: Signature, options: RuntimeOptions
) -> tuple[ModelMetadata, Runtime]:
    """A file of ONNX or OpenVINO that scalereid did not write."""
    if options.pixels is None:
        raise ValueError(
            f"{file} was not written by scalereid, so it does not say how its pixels go in; give pixels: a preset's name "
            f"({', '.join(PRESETS)}), or a PixelFormat"
        )
    precision = options.precision or "float32"
    if precision == "int8":
        raise ValueError(f"{file} is computed in the numbers that it holds, int8 among them; leave precision out")
    require_runtime(own.name, precision, "cpu")
    return open_foreign(file, own, signature, find_format(options.pixels), precision)
