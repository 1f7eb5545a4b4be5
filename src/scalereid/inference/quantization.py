"""A model in 8-bit integers, kept only if it finds people as well as before."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path

import numpy as np
import torch

from scalereid.data.images import ImageStore
from scalereid.data.reading import read_dataset
from scalereid.data.records import ReidDataset
from scalereid.inference.choice import AS_FAST
from scalereid.inference.export.exporting import require_free
from scalereid.inference.export.graph import write_onnx
from scalereid.inference.export.int8 import describe, require_nncf, write_integers
from scalereid.inference.measuring import measure
from scalereid.inference.metadata import About, describe_model
from scalereid.inference.query_gallery import TestSide
from scalereid.inference.runtimes import OpenVinoRuntime
from scalereid.progress import Progress
from scalereid.runs.checkpoint import Source, load_checkpoint
from scalereid.runs.run import Run

IMAGES = 300  # to calibrate with
_BATCH = 16
_MEASURED = 8  # images in the batches whose time is taken


@dataclass(frozen=True)
class Accuracy:
    """How well a model finds people in one arithmetic."""

    arithmetic: str
    mAP: float
    rank1: float
    cosine: float
    """The mean to the float32 embeddings of the same images."""
    rate: float
    """Images a second here, in batches of 8, many of them."""


def verdict(report: Sequence[Accuracy]) -> str:
    """What to compute in here, in a sentence."""
    half, integers = report[1:]
    if integers.rate > AS_FAST * half.rate:
        return f"int8 is {integers.rate / half.rate:.2f} times as fast as bfloat16 here"
    return (
        f"bfloat16 is as fast here (int8 is {integers.rate / half.rate:.2f} times) and nearer to float32: "
        "prefer it, as runtime auto does"
    )


class LossTooLargeError(ValueError):
    """The integers lose more than is put up with; `report` says how much."""

    def __init__(self, report: list[Accuracy], allowed: float) -> None:
        loss = 100 * (report[0].mAP - report[-1].mAP)
        before, after = report[0].mAP, report[-1].mAP
        super().__init__(
            f"in 8-bit integers mAP falls by {loss:.2f} points, from {before:.2%} to {after:.2%}, and {100 * allowed:.2f} are "
            "allowed; the file was not kept. Allow more (--max-loss), or keep it all the same (--force)"
        )
        self.report = report


def quantize(
    source: Source,
    out: Path | None = None,
    *,
    data: Path,
    dataset: str,
    max_loss: float = 0.005,
    force: bool = False,
    run_code: bool = False,
    progress: Progress,
) -> tuple[About, list[Accuracy]]:
    """Write a model for OpenVINO in 8-bit integers, calibrated on images of a dataset and judged on its test side.

    Calibrated with training images, or gallery images where there are none. What gates and sums of streams compute stays in
    floating point, where integers cost most accuracy and save least time.

    Args:
        source: see `load_model`.
        out: a `.xml` file, beside which lies a `.bin`; unless told `int8.xml` in the run, where `Embedder` finds it.
        data: the dataset's folder.
        dataset: its name; it must have queries and a gallery.
        max_loss: the largest fall of mAP, as a fraction, with which the file is kept.
        force: keep it with any.
        run_code: see `load_model`.
        progress: where to show it.

    Returns:
        What the file is; and the accuracy in float32, bfloat16 and integers.

    Raises:
        LossTooLargeError: mAP falls by more than `max_loss`.
        ValueError, FileExistsError: see `export`; or no file is named and the model is no run.
        ModuleNotFoundError: OpenVINO or NNCF is not installed; the message says how to install them.
    """
    if out is None:
        if not (isinstance(source, str | os.PathLike) and Path(source).is_dir()):
            raise ValueError("the model is no run to keep integers in: name a .xml file (--out)")
        out = Run(Path(source)).integers
    if out.suffix != ".xml":
        raise ValueError(f"{out}: integers are written for OpenVINO, to a .xml file")
    require_free(out)
    require_nncf()
    loaded = load_checkpoint(source, run_code=run_code)
    about = describe_model(loaded, source)
    read = read_dataset(dataset, data)
    test = TestSide(read, about.image_size, progress)
    learned = read.train or read.gallery
    chosen = np.unique(np.linspace(0, len(learned) - 1, min(IMAGES, len(learned))).astype(int))
    pixels = ImageStore([learned[i].path for i in chosen], about.image_size).read(np.arange(len(chosen))).numpy()
    out.parent.mkdir(parents=True, exist_ok=True)
    graph, partial = out.with_name(f".{out.stem}.partial.float.onnx"), out.with_name(f".{out.stem}.partial.xml")
    threads = torch.get_num_threads()
    try:
        write_onnx(loaded.model, about, graph)
        about = replace(about, arithmetic="int8")
        write_integers(loaded.model, about, pixels, partial, progress)
        runtimes = {
            "float32": OpenVinoRuntime(graph, "float32", threads),
            "bfloat16": OpenVinoRuntime(graph, "bfloat16", threads),
            "int8": OpenVinoRuntime(partial, "int8", threads),
        }
        seconds = measure([*runtimes.values()], about, _MEASURED)
        rates = {arithmetic: _MEASURED / each for arithmetic, each in zip(runtimes, seconds, strict=True)}
        report = _judge(runtimes, rates, test, read, progress)
        if report[0].mAP - report[-1].mAP > max_loss and not force:
            raise LossTooLargeError(report, max_loss)
        about = replace(about, accuracy=_in_words(report, dataset))
        describe(partial, about)
        partial.with_suffix(".bin").replace(out.with_suffix(".bin"))
        partial.replace(out)
    finally:
        for file in out.parent.glob(f".{escape(out.stem)}.partial*"):
            file.unlink()
    return about, report


def _in_words(report: Sequence[Accuracy], dataset: str) -> str:
    before, after = report[0], report[-1]
    return f"{dataset}: mAP {before.mAP:.2%} in float32, {after.mAP:.2%} in int8; rank-1 {before.rank1:.2%}, {after.rank1:.2%}"


def _judge(
    runtimes: dict[str, OpenVinoRuntime],
    rates: dict[str, float],
    test: TestSide,
    dataset: ReidDataset,
    progress: Progress,
) -> list[Accuracy]:
    reference = None
    report = []
    for arithmetic, runtime in runtimes.items():
        sides = []
        with progress.stage(f"judging {arithmetic}", len(dataset.query) + len(dataset.gallery)) as advance:
            for store in (test.query_images, test.gallery_images):
                rows = []
                for start in range(0, len(store), _BATCH):
                    batch = np.arange(start, min(start + _BATCH, len(store)))
                    rows.append(runtime(store.read(batch).numpy()))
                    advance(len(batch))
                sides.append(torch.from_numpy(np.concatenate(rows)))
        scores = test.score(test.pooled(sides[0], dataset.query), test.pooled(sides[1], dataset.gallery), "cosine")
        everything = torch.nn.functional.normalize(torch.cat(sides))
        reference = everything if reference is None else reference
        cosine = float((everything * reference).sum(dim=1).mean())
        report.append(Accuracy(arithmetic, scores.mAP, scores.rank(1), cosine, rates[arithmetic]))
    return report
