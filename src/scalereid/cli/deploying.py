"""The commands that put a model to work: embed, export, quantize."""

import time
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from scalereid.cli.tables import accuracy_table
from scalereid.cli.terminal import show
from scalereid.inference.embed_files import embed_files, find_items
from scalereid.inference.embedder import Embedder
from scalereid.inference.embedding_table import check_out
from scalereid.inference.export.exporting import Format
from scalereid.inference.export.exporting import export as export_model
from scalereid.inference.metadata import Precision
from scalereid.inference.quantization import LossTooLargeError, verdict
from scalereid.inference.quantization import quantize as quantize_model
from scalereid.inference.runtimes import RuntimeName
from scalereid.progress import Progress
from scalereid.runs.run import Run


def embed(
    source: Annotated[
        Positional[str],
        arg(metavar="MODEL", help="A run, our weights, torchreid's, or an exported file."),
    ],
    images: Annotated[
        Positional[str], arg(metavar="IMAGES", help="A folder, a pattern in quotes, a .csv or .jsonl table.")
    ],
    *,
    out: Annotated[Path, arg(help="A .parquet or .npz file; what is done lies in OUT.shards until then.")],
    runtime: Annotated[Literal["auto"] | RuntimeName, arg(help="What computes; auto takes the fastest.")] = "auto",
    precision: Annotated[
        Precision | None, arg(help="Of the arithmetic: float32 unless told, or an exported file's own.")
    ] = None,
    flip: Annotated[bool, arg(help="Add each image's mirror image's embedding to its own.")] = False,
    normalize: Annotated[bool, arg(help="Give embeddings of length 1.")] = True,
    batch_size: Annotated[int | None, arg(help="Images computed together; 8 on a CPU, 128 on a GPU.")] = None,
    on_error: Annotated[
        Literal["raise", "report"],
        arg(help="At an image that cannot be read: stop, or leave it out and name it at the end."),
    ] = "raise",
    run_code: Annotated[
        bool, arg(help="Run the code that the model brings along: its backbone's file, whatever is in a .pt2 file.")
    ] = False,
    device: Annotated[str, arg(help="auto, cpu, cuda, cuda:1, …")] = "auto",
) -> None:
    """Turn images into embeddings, in a table with paths, people and cameras. The same command goes on after a kill."""
    progress = Progress()
    check_out(out)
    items = find_items(images)
    progress.say(f"{len(items):,} images; preparing the model …")
    started = time.monotonic()
    embedder = Embedder(
        source, runtime=runtime, precision=precision, device=device, flip=flip, normalize=normalize,
        batch_size=batch_size, run_code=run_code,
    )  # fmt: skip
    seconds = time.monotonic() - started
    progress.say(
        f"{embedder.about.model}, {embedder.runtime.name} in {embedder.runtime.precision}, after {seconds:.0f} s"
    )
    try:
        with progress.stage("embedding", len(items)) as advance:
            unreadable = embed_files(embedder, items, out, on_error=on_error, advance=advance)
    except KeyboardInterrupt:
        progress.say(f"what is done lies in {out}.shards; the same command goes on")
        raise
    for why in unreadable:
        progress.say(f"left out: {why}")
    done = f"{len(items) - len(unreadable):,} embeddings of {embedder.embedding_size} numbers"
    progress.say(f"{done} in {out}; model {embedder.about.fingerprint}")


def export(
    source: Annotated[Positional[str], arg(metavar="RUN-OR-WEIGHTS", help="A run, our weights, or torchreid's.")],
    *,
    out: Annotated[Path, arg(help="A .onnx file, a .xml file for OpenVINO, a .pt2 file for torch.")],
    format: Annotated[
        Format, arg(help="Of the file; aotinductor compiles for processors like this one, the others run anywhere.")
    ] = "onnx",
    normalisation: Annotated[
        bool, arg(help="Inside: the file takes uint8 pixels. Else it takes normalised numbers.")
    ] = True,
    run_code: Annotated[bool, arg(help="Run the Python file that the model's backbone is.")] = False,
) -> None:
    """Write a model for other runtimes, checked against torch before it is kept."""
    progress = Progress()
    about, agreement = export_model(source, out, format=format, normalisation=normalisation, run_code=run_code)
    height, width = about.image_size
    progress.say(
        f"{out}: {about.model}\n"
        f"takes {about.input}, of {height} × {width}; gives {about.embedding_size} numbers, not normalised\n"
        f"against torch: largest difference {agreement.difference:.1e} of the longest embedding, smallest cosine "
        f"{agreement.cosine:.7f}\nmodel {about.fingerprint}"
    )


def quantize(
    source: Annotated[Positional[str], arg(metavar="RUN-OR-WEIGHTS", help="A run, our weights, or torchreid's.")],
    *,
    out: Annotated[Path | None, arg(help="A .xml file for OpenVINO; int8.xml in the run unless told.")] = None,
    data: Annotated[Path, arg(help="The folder of a dataset to calibrate with and to be judged on.")],
    dataset: Annotated[str, arg(help="Its name.")],
    max_loss: Annotated[float, arg(help="Points of mAP that may be lost.")] = 0.5,
    force: Annotated[bool, arg(help="Keep the file whatever is lost.")] = False,
    run_code: Annotated[bool, arg(help="Run the Python file that the model's backbone is.")] = False,
) -> None:
    """Write a model in 8-bit integers, kept only if it finds people as well as before."""
    progress = Progress()
    try:
        about, report = quantize_model(
            source,
            out,
            data=data,
            dataset=dataset,
            max_loss=max_loss / 100,
            force=force,
            run_code=run_code,
            progress=progress,
        )
    except LossTooLargeError as error:
        show(accuracy_table(error.report, caption=f"{source} on {dataset}, cosine distance"))
        raise
    show(accuracy_table(report, caption=f"{about.model} on {dataset}, cosine distance"))
    progress.say(f"{verdict(report)}\nkept: {out or Run(Path(source)).integers}")
