"""scalereid attributes: what people on pictures look like, and how well a model recognises it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.table import Table
from tyro.conf import DisallowNone, Positional, arg

from scalereid.attributes.layer import LIKELY
from scalereid.cli.errors import UsageError
from scalereid.cli.models import Computing, run_of
from scalereid.cli.options import Flat, otherwise
from scalereid.cli.terminal import Output
from scalereid.cli.writing import writing
from scalereid.inference.opening import RuntimeOptions
from scalereid.wording import counted, printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from scalereid.attributes.scores import AttributeScores, OneAttribute

AttributeModel = Annotated[
    Positional[str], arg(metavar="MODEL", help="A run or weights trained with attributes, or exported from such.")
]
Images = Annotated[
    Positional[tuple[str, ...]],
    arg(
        metavar="IMAGES …",
        help="A folder with all folders below it, a quoted pattern, a table, or files; one person each.",
        help_behavior_hint="(at least one, or --data)",
    ),
]
_SHOWN = 20  # rows of the table on the terminal


@dataclass(frozen=True, kw_only=True)
class LikelihoodOptions:
    """What is written."""

    out: Annotated[Path | None, DisallowNone, otherwise("none")] = None
    """A .csv or .jsonl table for the likelihoods, which `gallery add` takes, or .parquet."""
    page: Annotated[Path | None, DisallowNone, otherwise("none")] = None
    """An .html file with bars of the likelihoods beside each picture."""


@dataclass(frozen=True, kw_only=True)
class AttributeDataset:
    """What is scored, where no pictures are named."""

    data: Annotated[Path | None, DisallowNone, arg(help="Folder of the datasets."), otherwise("none")] = None
    dataset: Annotated[str | None, DisallowNone, otherwise("the one the run was scored on")] = None
    """Name of the dataset; see `scalereid datasets`."""
    table: Annotated[str | None, DisallowNone, otherwise("that of the training")] = None
    """The table of attributes: market1501, pa100k, toy, or a .csv file in the folder of the datasets."""


def attributes(
    source: AttributeModel,
    images: Images,
    written: Flat[LikelihoodOptions],
    scored: Flat[AttributeDataset],
    compute: Flat[Computing],
    output: Flat[Output],
) -> None:
    """Likelihoods of attributes of people on pictures, as a table or a page:
      scalereid attributes runs/x "crops/*.jpg" --page likelihoods.html
    Or scores on the query and gallery images of a dataset: mean accuracy by
    attribute; accuracy, precision, recall and F1 by image:
      scalereid attributes runs/x --data data
    Exits with 1 if some pictures cannot be read."""
    runtime = compute.runtime_options(source)
    if images:
        _refuse(scored, "with pictures")
        _recognise(source, images, written, runtime, output)
    elif scored.data:
        _refuse(written, "with --data, whose images are scored")
        _score(source, scored.data, scored, runtime, output)
    else:
        raise UsageError(
            "Name pictures: a folder, a quoted pattern, a table, or files; or --data FOLDER to be scored on"
        )


def _refuse(options: object, why: str) -> None:
    """Refuse options that would have no effect.

    Raises:
        UsageError: One is given.
    """
    for name, value in vars(options).items():
        if value is not None:
            raise UsageError(f"--{name} has no effect {why}: leave one of both out")


def _recognise(
    source: str, images: Sequence[str], options: LikelihoodOptions, runtime: RuntimeOptions, output: Output
) -> None:
    """Likelihoods of the attributes of pictures."""
    from scalereid.data.terms import terms_of_files
    from scalereid.figures.attributes import write_attributes
    from scalereid.inference.items import find_distinct
    from scalereid.inference.likelihood_table import check_likelihood_table, check_names, write_likelihoods
    from scalereid.inference.recognizer import AttributeRecognizer

    if options.out:
        check_likelihood_table(options.out)
    with writing(options.out, options.page):
        paths = [item.path for item in find_distinct(*images)]
        if options.out:
            check_names(options.out, paths)
        with AttributeRecognizer(source, options=runtime) as recognizer:
            with output.progress.stage("recognising attributes", len(paths)) as advance:
                found = recognizer.collect(paths, on_error="report", advance=advance)
            metadata, names, question = recognizer.metadata, recognizer.names, recognizer.embedder.shapes.question()
        readable, rows = [path for i, path in enumerate(paths) if i not in found.errors], found.likelihoods
        if options.out:
            write_likelihoods(options.out, readable, names, rows)
        if options.page:
            facts = run.dataset() if (run := run_of(source)) else None
            folders = {each.root: each.name for each in (facts.source, *facts.targets)} if facts else {}
            terms = terms_of_files(readable, folders)
            write_attributes(options.page, metadata.model, readable, names, rows, terms=terms)
    output.show(_likely_table(metadata.model, readable, names, rows))
    if len(readable) > _SHOWN:
        output.say(f"{len(readable) - _SHOWN:,} more pictures: --out and --page show all")
    for why in found.errors.values():
        output.say(f"left out: {why}")
    for file in filter(None, (options.out, options.page)):
        output.say(f"Look at it: {file}")
    cautions = output.caution([question])
    output.result({
        "model": metadata.model, "model_fingerprint": metadata.fingerprint, "attributes": list(names),
        "images": [{"path": path, "likelihoods": row} for path, row in zip(readable, rows.tolist(), strict=True)],
        "out": options.out and str(options.out), "page": options.page and str(options.page), "cautions": cautions,
        "unreadable": [*found.errors.values()],
    })  # fmt: skip
    if found.errors:
        raise SystemExit(1)


def _score(source: str, data: Path, options: AttributeDataset, runtime: RuntimeOptions, output: Output) -> None:
    """Scores of the attributes that are recognised in a dataset's images."""
    from scalereid.experiments.attribute_evaluation import evaluate_attributes

    evaluated = evaluate_attributes(
        source,
        data=data,
        dataset=options.dataset,
        table=options.table,
        runtime=runtime,
        progress=output.progress,
    )
    scores, name = evaluated.scores, evaluated.dataset.name
    output.show(_scores_table(scores))
    output.say(f"{evaluated.model} on {name}\n{scores}\n{counted(scores.images, 'image')} with known attributes")
    if scores.undefined:
        output.say(f"not in mA, as all test images are alike: {', '.join(scores.undefined)}")
    output.result(evaluated.to_json())


def _likely_table(model: str, paths: Sequence[str], names: Sequence[str], rows: "NDArray[np.float32]") -> Table:
    """The likely attributes of the first pictures, likeliest first; names are given from the folder that all are in."""
    from scalereid.inference.items import common_folder

    folder = common_folder(paths)
    table = Table("picture", "attributes", caption=f"{model}; {LIKELY:.0%} and more, likeliest first")
    for path, row in zip(paths[:_SHOWN], rows.tolist(), strict=False):
        ranked = sorted(zip(row, names, strict=True), key=lambda each: -each[0])
        likely = ", ".join(f"{name} {value:.0%}" for value, name in ranked if value >= LIKELY)
        table.add_row(printable(path.removeprefix(folder)), likely)
    return table


def _scores_table(scores: "AttributeScores") -> Table:
    """The attributes one by one."""

    def share(value: float | None) -> str:
        return "–" if value is None else f"{value:.2%}"

    def row(one: "OneAttribute") -> tuple[str, ...]:
        rates = (one.mean_accuracy, one.true_positive_rate, one.true_negative_rate)
        return (one.name, *map(share, rates), f"{one.positives:,}", f"{one.negatives:,}")

    caption = "mean accuracy: the mean of the shares of images with and without it that are recognised"
    table = Table("attribute", "mean accuracy", "with", "without", "positives", "negatives", caption=caption)
    for one in scores.attributes:
        table.add_row(*row(one))
    return table
