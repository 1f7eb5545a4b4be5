"""A model in int8, kept only if it finds people as well as before."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from scalereid.data.image_size import ImageSize
from scalereid.data.images import ImageStore
from scalereid.data.reading import read_dataset
from scalereid.data.records import ReidDataset
from scalereid.inference.auto import AS_FAST
from scalereid.inference.embedding import BatchedRuntime
from scalereid.inference.export.exporting import require_free_pair, write_pair
from scalereid.inference.export.graph import cached_onnx
from scalereid.inference.export.int8 import write_int8
from scalereid.inference.measuring import measure
from scalereid.inference.metadata import ModelMetadata, Precision
from scalereid.inference.opening import require_trained
from scalereid.inference.query_gallery import QueryGallery
from scalereid.inference.runtimes import Runtime
from scalereid.inference.runtimes.openvino_runtime import OpenVinoRuntime, save_network
from scalereid.inference.stored_layers import NO_LAYERS, Layers
from scalereid.inference.trained import describe_model
from scalereid.locks import locked
from scalereid.packages import require
from scalereid.progress import Progress
from scalereid.retrieval.scores import score
from scalereid.runs.checkpoint import Source, load_checkpoint
from scalereid.runs.run import Run

IMAGES = 300  # to calibrate with
_BATCH = 8  # images computed together


@dataclass(frozen=True)
class Accuracy:
    """How well, and how fast, a model finds people in one precision."""

    precision: Precision
    mAP: float
    rank1: float
    cosine: float
    """Mean cosine to the float32 embeddings of the same images."""
    rate: float
    """Images a second on this machine, in many batches of 8."""


class LossTooLargeError(ValueError):
    """int8 loses more than is allowed; `report` says how much."""

    def __init__(self, report: Sequence[Accuracy], allowed: float) -> None:
        before, after = report[0].mAP, report[-1].mAP
        super().__init__(
            f"in int8 mAP falls by {100 * (before - after):.2f} points, from {before:.2%} to {after:.2%}, but at most "
            f"{100 * allowed:.2f} are allowed; the file was not kept. Allow more with max_loss, or keep it with force"
        )
        self.report = report


def verdict(report: Sequence[Accuracy]) -> str:
    """Which precision to compute in on this machine, in a sentence."""
    half, int8 = report[1:]
    if int8.rate > AS_FAST * half.rate:
        return f"int8 is {int8.rate / half.rate:.2f} times as fast as bfloat16 here"
    return (
        f"bfloat16 is as fast here (int8 is {int8.rate / half.rate:.2f} times) and nearer to float32: "
        "prefer it, as runtime auto does"
    )


def quantize(
    source: Source,
    out: Path | None = None,
    *,
    data: Path,
    dataset: str,
    max_loss: float = 0.005,
    force: bool = False,
    run_code: bool = False,
    progress: Progress | None = None,
) -> tuple[ModelMetadata, list[Accuracy]]:
    """Write a model in int8 for OpenVINO, calibrated and scored on a dataset.

    Calibrated with training images, or gallery images where there are none.

    Args:
        source: See `load_model`.
        out: A `.xml` file, beside which lies a `.bin`. Defaults to `int8.xml` in the run, where `Embedder` finds it.
        data: The folder of the dataset.
        dataset: Its name; it must have queries and a gallery.
        max_loss: Largest fall of mAP, as a fraction, with which the file is kept.
        force: Keep the file whatever is lost.
        run_code: See `load_model`.
        progress: Where to show progress. Defaults to nowhere.

    Returns:
        The file's metadata; and the accuracy in float32, bfloat16 and int8.

    Raises:
        LossTooLargeError: mAP falls by more than `max_loss`.
        ValueError, OSError: See `export`; or no file is named and the model is not a run.
        ModuleNotFoundError: OpenVINO, NNCF or ONNX is not installed; the message says how to install it.
    """
    if not 0 <= max_loss <= 1:
        raise ValueError(f"max_loss is {max_loss}; expected a fraction, from 0 to 1")
    require_trained(source, "quantize")
    out, progress = _destination(source, out), progress or Progress.silent()
    with locked(out):
        require_free_pair(out)
        return _quantize(source, out, data, dataset, 1 if force else max_loss, run_code, progress)


def _quantize(
    source: Source, out: Path, data: Path, dataset: str, max_loss: float, run_code: bool, progress: Progress
) -> tuple[ModelMetadata, list[Accuracy]]:
    """Quantize into a file that this process alone writes."""
    require("openvino", "nncf", "onnx", "onnxscript", extra="export,int8")
    loaded = load_checkpoint(source, run_code=run_code)
    metadata = describe_model(loaded, source)
    read = read_dataset(dataset, data)
    if not (read.query and read.gallery):
        raise ValueError(
            f"{read.name} has no query or no gallery images, on which models are scored; name another dataset to quantize with"
        )
    images = QueryGallery(read, metadata.image_size, progress)
    with TemporaryDirectory() as folder:
        graph, quantized = cached_onnx(loaded, metadata), Path(folder) / "int8.xml"
        write_int8(loaded.model, metadata, _calibration_pixels(read, metadata.image_size), quantized, progress)
        runtimes: dict[Precision, Runtime] = {
            "float32": OpenVinoRuntime(graph, "float32"),
            "bfloat16": OpenVinoRuntime(graph, "bfloat16"),
            "int8": OpenVinoRuntime(quantized, "int8"),
        }
        report = _evaluate(runtimes, images, metadata.image_size, progress)
        metadata = replace(metadata, precision="int8", accuracy=_in_words(report, dataset))
        layers = Layers(loaded.attributes, loaded.classes)
        keep(quantized, out, metadata, report, max_loss=max_loss, layers=layers)
    return metadata, report


def keep(
    quantized: Path,
    out: Path,
    metadata: ModelMetadata,
    report: Sequence[Accuracy],
    *,
    max_loss: float = 0.005,
    layers: Layers = NO_LAYERS,
) -> None:
    """Write a quantized network to `out` with its metadata and layers, unless it loses too much.

    Raises:
        LossTooLargeError: mAP falls by more than `max_loss`.
    """
    if report[0].mAP - report[-1].mAP > max_loss:
        raise LossTooLargeError(report, max_loss)
    write_pair(out, lambda file: save_network(quantized, metadata, file, layers))


def _destination(source: Source, out: Path | None) -> Path:
    if out is None:
        if not (isinstance(source, str | os.PathLike) and Path(source).is_dir()):
            raise ValueError("the model is not a run, in which int8.xml would be kept; give out, a .xml file")
        out = Run(Path(source)).int8
    if out.suffix != ".xml":
        raise ValueError(f"{out}: int8 is written for OpenVINO, to a .xml file")
    return out


def _calibration_pixels(dataset: ReidDataset, image_size: ImageSize) -> NDArray[np.uint8]:
    records = dataset.train or dataset.gallery
    chosen = np.unique(np.linspace(0, len(records) - 1, min(IMAGES, len(records))).astype(int))
    return ImageStore([records[i].path for i in chosen], image_size).read(np.arange(len(chosen)))


def _evaluate(
    runtimes: Mapping[Precision, Runtime], images: QueryGallery, image_size: ImageSize, progress: Progress
) -> list[Accuracy]:
    seconds = measure([*runtimes.values()], image_size, _BATCH)
    expected, report = None, []
    for (precision, runtime), each in zip(runtimes.items(), seconds, strict=True):
        progress.say(f"evaluating {precision}")
        query, gallery = images.embed(BatchedRuntime(runtime=runtime, batch_size=_BATCH), progress=progress)
        scores = score(query, gallery, distance="cosine", protocol=images.dataset.protocol)
        found = functional.normalize(torch.cat([query.embeddings, gallery.embeddings]))
        expected = found if expected is None else expected
        cosine = float((found * expected).sum(dim=1).mean())
        report.append(Accuracy(precision, scores.mAP, scores.rank(1), cosine, _BATCH / each))
    return report


def _in_words(report: Sequence[Accuracy], dataset: str) -> str:
    before, after = report[0], report[-1]
    return f"{dataset}: mAP {before.mAP:.2%} in float32, {after.mAP:.2%} in int8; rank-1 {before.rank1:.2%}, {after.rank1:.2%}"
