"""scalereid search: the images most similar to an image."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from rich.table import Table
from tyro.conf import Positional, arg

from scalereid.cli.errors import UsageError
from scalereid.cli.models import CalibrationFile, ComputeOptions, Model, find_calibration
from scalereid.cli.options import Flat, FoldersOption, Switch, otherwise
from scalereid.cli.terminal import Output
from scalereid.cli.writing import writing
from scalereid.inference.embedding_table import EmbeddingTable

if TYPE_CHECKING:
    from scalereid.inference.search_files import FoundFiles


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What is found, and where it is shown."""

    top: int = 5
    """Number of images to find for each query."""
    other_cameras: Switch = False
    """Leave out gallery images of the query's camera."""
    folders: FoldersOption = None
    html: Annotated[Path | None, otherwise("none")] = None
    """An HTML file for the results, with their pictures in it."""
    picture: Annotated[Path | None, otherwise("none")] = None
    """A .jpg or .png file for a contact sheet."""
    calibration: CalibrationFile = None
    on_error: Literal["raise", "report"] = "raise"
    """At an unreadable image: stop, or leave it out and report it at the end."""


def search(
    source: Model,
    query: Annotated[
        Positional[str],
        arg(
            metavar="QUERY",
            help="Images to find: a file, a folder, a quoted pattern, a .csv or .jsonl list, "
            "or a table of embeddings (.npz, .parquet).",
        ),
    ],
    gallery: Annotated[Positional[str], arg(metavar="GALLERY", help="Images to find them among, likewise.")],
    options: Flat[SearchOptions],
    compute: Flat[ComputeOptions],
    output: Flat[Output],
) -> None:
    """Find the gallery images most similar to each query image. No labels are
    needed. A query's own file is left out, so that a folder can be searched for
    its own images. `scalereid embed` writes a table to search again and again."""
    from scalereid.figures.found_files import ON_PAGE, ON_SHEET, check_sheet, write_found, write_sheet
    from scalereid.inference.search_files import open_images, search_files

    if options.picture:
        check_sheet(options.picture)
    with writing(options.html, options.picture):
        wanted = open_images(query, folders=options.folders)
        among = wanted if gallery == query else open_images(gallery, folders=options.folders)
        tables = [side for side in (wanted, among) if isinstance(side, EmbeddingTable)]
        if options.folders and len(tables) == 2:
            raise UsageError(
                "--folders has no effect on tables of embeddings, which know their cameras: leave it out, or give it to "
                "`scalereid embed`"
            )
        flip = any(table.flip for table in tables)
        with compute.embedder(source, flip=flip) as embedder:
            found = search_files(
                embedder,
                wanted,
                among,
                top=options.top,
                other_cameras=options.other_cameras,
                calibration=find_calibration(
                    source, options.calibration, embedder.metadata, "cosine", output, flip=flip
                ),
                on_error=options.on_error,
                progress=output.progress,
            )
            runtime, precision = embedder.runtime.name, embedder.runtime.precision
        output.show(_table(found))
        for why in found.unreadable:
            output.say(f"left out: {why}")
        cautions = output.caution([embedder.shapes.question()])
        for file, write, limit in ((options.html, write_found, ON_PAGE), (options.picture, write_sheet, ON_SHEET)):
            if file:
                write(found, file)
                limited = f" (the first {limit:,} queries)" if len(found) > limit else ""
                output.say(f"Look at it: {file}{limited}")
    output.result({
        "model": found.model.model, "model_fingerprint": found.model.fingerprint, "runtime": runtime,
        "precision": precision, "flip": flip, "gallery": len(found.gallery),
        "results": [
            {"query": path, "found": [one._asdict() for one in found.of(row)]} for row, path in enumerate(found.query)
        ],
        "calibration": found.calibration and {"dataset": found.calibration.dataset, "prior": found.calibration.prior},
        "cautions": cautions, "unreadable": [*found.unreadable],
        "page": options.html and str(options.html), "picture": options.picture and str(options.picture),
    })  # fmt: skip


def _table(found: "FoundFiles") -> Table:
    """A line for each image found; names are given from the folder that all of them are in."""
    from scalereid.figures.terms import meaning_of_probabilities
    from scalereid.inference.items import common_folder

    query_folder, folder = common_folder(found.query), common_folder(found.gallery)
    caption = [
        f"{found.model.model}; queries from {query_folder or '.'}, gallery of {len(found.gallery):,} from {folder or '.'}"
    ]
    caption += [meaning_of_probabilities(found.calibration)] if found.calibration else []
    table = Table("query", "rank", "file", "similarity", caption="\n".join(caption))
    if found.calibration:
        table.add_column("probability")
    for row, path in enumerate(found.query):
        name = path.removeprefix(query_folder)
        results = found.of(row)
        if not results:
            table.add_row(name, "", "nothing found")
        for rank, one in enumerate(results, start=1):
            cells = [str(rank), one.path.removeprefix(folder), f"{one.similarity:.3f}"]
            cells += [f"{one.probability:.1%}"] if one.probability is not None else []
            table.add_row(name if rank == 1 else "", *cells, end_section=rank == len(results))
    return table
