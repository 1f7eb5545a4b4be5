"""scalereid embed: images to a table of embeddings."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from scalereid.cli.errors import Stopped
from scalereid.cli.models import ComputeOptions, Model
from scalereid.cli.options import Flat, FoldersOption, Switch, otherwise
from scalereid.cli.terminal import Output
from scalereid.data.readers.cameras import in_words
from scalereid.inference.embed_files import check_out, embed_files, shards_folder
from scalereid.inference.items import cameras_by_folder, find_items
from scalereid.inference.parts import EmbedParts, in_turn
from scalereid.locks import locked
from scalereid.wording import counted

_FASTEST = ComputeOptions(runtime="auto")


@dataclass(frozen=True, kw_only=True)
class EmbedOptions:
    """What is written."""

    out: Path
    """A .parquet or .npz file. Until all is done, finished parts are in OUT.shards."""
    folders: FoldersOption = None
    flip: Switch = False
    """Add the embedding of each image's mirror image to its own."""
    normalize: Switch = True
    """Do not L2-normalise the embeddings."""
    on_error: Literal["raise", "report"] = "raise"
    """At an unreadable image: stop, or leave it out and report it at the end."""
    engine: Annotated[Literal["ray"] | None, otherwise("this machine alone")] = None
    """What divides the work: ray, among the machines of a Ray cluster that this one belongs to."""


def embed(
    source: Model,
    images: Annotated[
        Positional[str], arg(metavar="IMAGES", help="A folder, a quoted pattern, or a .csv or .jsonl table.")
    ],
    options: Flat[EmbedOptions],
    output: Flat[Output],
    compute: Flat[ComputeOptions] = _FASTEST,
) -> None:
    """Write a table of embeddings with paths, people and cameras. If it is stopped,
    the same command continues where it was."""
    with locked(options.out):  # here, and not only once the model is there
        check_out(options.out)
    items = find_items(images, folders=options.folders)
    cameras = cameras_by_folder(items)
    output.say(f"{counted(len(items), 'image')}; preparing the model …")
    if cameras:
        output.say(f"cameras by folder: {in_words(cameras)}")
    started = time.monotonic()
    with (
        _engine(options, source, compute, output) as engine,
        compute.embedder(source, flip=options.flip, normalize=options.normalize) as embedder,
    ):
        metadata, name, precision = embedder.metadata, embedder.runtime.name, embedder.runtime.precision
        output.say(f"{metadata.model}, {name} in {precision}, after {time.monotonic() - started:.0f} s")
        try:
            unreadable = embed_files(
                embedder, items, options.out, on_error=options.on_error, engine=engine, progress=output.progress
            )
        except KeyboardInterrupt:
            if any(shards_folder(options.out).glob("*.npz")):
                raise Stopped("the same command") from None
            raise
    for why in unreadable:
        output.say(f"left out: {why}")
    cautions = output.caution([embedder.shapes.question()])
    written = len(items) - len(unreadable)
    output.say(
        f"{counted(written, 'embedding')} of {metadata.embedding_size} numbers in {options.out}; model {metadata.fingerprint}"
    )
    output.result({
        "out": str(options.out), "model": metadata.model, "model_fingerprint": metadata.fingerprint, "runtime": name,
        "precision": precision, "embedding_size": metadata.embedding_size, "embeddings": written,
        "cameras": cameras, "cautions": cautions, "unreadable": unreadable,
    })  # fmt: skip


@contextmanager
def _engine(options: EmbedOptions, source: str, compute: ComputeOptions, output: Output) -> Iterator[EmbedParts]:
    """What divides the work, connected to its machines within the block."""
    if options.engine is None:
        yield in_turn
        return
    from scalereid.inference.on_ray import OnRay, connected

    with connected():
        cluster = OnRay(source=source, options=compute.runtime_options(source))
        output.say(f"embedding on {cluster}")
        yield cluster
