"""scalereid label: a page to label pairs of images on, for calibration without labelled people."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from tyro.conf import Positional, arg

from scalereid.arguments import check_whole
from scalereid.cli.models import ComputeOptions, Model, run_of
from scalereid.cli.options import Flat, FoldersOption, Switch
from scalereid.cli.terminal import Output
from scalereid.files import require_new_file
from scalereid.inference.items import Item, find_distinct
from scalereid.locks import locked
from scalereid.wording import counted

_MOST_IMAGES = 10_000  # whose pairs are compared in a minute
_FASTEST = ComputeOptions(runtime="auto")


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """Which pairs are drawn."""

    out: Path
    """The page to write: one .html file."""
    pairs: int = 200
    """Number of pairs to draw."""
    other_cameras: Switch = False
    """Draw only pairs from two cameras."""
    folders: FoldersOption = None
    seed: int = 0
    """Seed of the draws."""


def label(
    source: Model,
    images: Annotated[
        Positional[str], arg(metavar="IMAGES", help="A folder, a quoted pattern, a .csv or .jsonl table.")
    ],
    options: Flat[LabelOptions],
    output: Flat[Output],
    compute: Flat[ComputeOptions] = _FASTEST,
) -> None:
    """Draw pairs of images that are worth labelling, and write a page to label them
    on: same person, different people or unsure. The page saves pairs.csv, which
    `scalereid calibrate MODEL --pairs pairs.csv` takes. No people need be known."""
    from scalereid.figures.labelling import write_labelling_page
    from scalereid.retrieval.drawing import draw_pairs

    check_whole("pairs", options.pairs, 1)
    check_whole("seed", options.seed, 0)
    if options.out.suffix != ".html":
        raise ValueError(f"out={options.out}: expected a file that ends in .html")
    with locked(options.out):
        require_new_file(options.out)
        found, cameras = find_distinct(images, folders=options.folders), None
        items = _sample(found, options.seed)
        left_out = f", drawn at random from {len(found):,}" if len(items) < len(found) else ""
        if options.other_cameras:
            cameras = np.array([item.camid for item in items])
            if (told := len({item.camid for item in items} - {-1})) < 2:
                raise ValueError(
                    f"other_cameras needs images of two cameras; {images} tells {told}, by file names "
                    "such as 7_c3.jpg, a folder for each camera (folders=cameras), or the column camid of a table"
                )
        output.say(f"{counted(len(items), 'image')}{left_out}; preparing the model …")
        with compute.embedder(source) as embedder:
            metadata = embedder.metadata
            with output.progress.stage("embedding", len(items)) as advance:
                embeddings = embedder.collect([item.path for item in items], advance=advance).embeddings
        cautions = output.caution([embedder.shapes.question()])
        drawn = draw_pairs(embeddings, options.pairs, camids=cameras, seed=options.seed)
        command = _calibrates(source, compute)
        write_labelling_page(options.out, [Path(item.path) for item in items], drawn, metadata, command=command)
    number = len(drawn.first)
    if not options.other_cameras:
        output.say(
            "Consecutive images of one camera are nearly copies, and make pairs look more alike than people are: where cameras "
            "are known, draw with --other-cameras."
        )
    output.say(
        f"{counted(number, 'pair')} in {options.out}, drawn from {drawn.pairs:,}; open it in a browser, label, "
        f"save pairs.csv, then:\n  {command}"
    )
    output.result({
        "page": str(options.out), "model": metadata.model, "model_fingerprint": metadata.fingerprint,
        "images": len(items), "pairs": number, "drawn_from": drawn.pairs, "cautions": cautions,
    })  # fmt: skip


def _calibrates(source: str, compute: ComputeOptions) -> str:
    """What to type once the pairs are labelled."""
    words = ["scalereid", "calibrate", source, "--pairs", "pairs.csv"]
    words += [] if run_of(source) else ["--out", "calibration"]
    words += ["--run-code"] if compute.run_code else []
    return shlex.join([*words, *compute.pixels.words()])


def _sample(items: list[Item], seed: int) -> list[Item]:
    """All items, or of very many a random sample, in their order."""
    if len(items) <= _MOST_IMAGES:
        return items
    drawn = np.random.default_rng(seed).choice(len(items), _MOST_IMAGES, replace=False)
    return [items[i] for i in np.sort(drawn)]
