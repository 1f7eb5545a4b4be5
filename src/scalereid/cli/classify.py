"""scalereid classify: the classes of pictures, and how well a classifier finds them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from rich.table import Table
from tyro.conf import DisallowNone, Positional, arg

from scalereid.cli.errors import UsageError
from scalereid.cli.models import Computing
from scalereid.cli.options import Flat, otherwise
from scalereid.cli.terminal import Output
from scalereid.inference.opening import RuntimeOptions
from scalereid.wording import counted, printable

Classifier = Annotated[
    Positional[str], arg(metavar="MODEL", help="A run or weights trained on classes, or exported from such.")
]
Pictures = Annotated[
    Positional[tuple[str, ...]],
    arg(
        metavar="IMAGES …",
        help="A folder with all folders below it, a quoted pattern, a table, or files.",
        help_behavior_hint="(at least one, or --data)",
    ),
]
Data = Annotated[Path | None, DisallowNone, arg(help="Folder of the datasets."), otherwise("none")]
Dataset = Annotated[
    str | None,
    DisallowNone,
    arg(help="Name of the dataset; see `scalereid datasets`."),
    otherwise("the one the run was scored on"),
]
_SHOWN = 20  # rows of the table on the terminal
_LIKELIEST = 5


def classify(
    source: Classifier,
    images: Pictures,
    compute: Flat[Computing],
    output: Flat[Output],
    data: Data = None,
    dataset: Dataset = None,
) -> None:
    """Find the likeliest classes of pictures:
      scalereid classify runs/cifar10 "pictures/*.jpg"
    Or score a classifier on the test images of a dataset, by top-1 and top-5
    error:
      scalereid classify runs/cifar10 --data data"""
    runtime = compute.runtime_options(source)
    if images and (data or dataset):
        raise UsageError("--data and --dataset have no effect with pictures: leave one of both out")
    if images:
        _classify(source, images, runtime, output)
    elif data:
        _score(source, data, dataset, runtime, output)
    else:
        raise UsageError(
            "Name pictures: a folder, a quoted pattern, a table, or files; or --data FOLDER to be scored on"
        )


def _classify(source: str, images: Sequence[str], runtime: RuntimeOptions, output: Output) -> None:
    """The likeliest classes of pictures."""
    from scalereid.experiments.classifying import classify
    from scalereid.inference.items import common_folder, find_distinct

    paths = [item.path for item in find_distinct(*images)]
    found = classify(source, [Path(path) for path in paths], runtime=runtime, progress=output.progress)
    rows = []
    for path, probabilities in zip(paths, found.probabilities.tolist(), strict=True):
        ranked = sorted(zip(probabilities, found.classes, strict=True), key=lambda each: -each[0])[:_LIKELIEST]
        rows.append((path, [{"name": name, "probability": value} for value, name in ranked]))
    table, folder = Table("picture", "classes", caption=f"{found.model}; likeliest first"), common_folder(paths)
    for path, classes in rows[:_SHOWN]:
        table.add_row(
            printable(path.removeprefix(folder)),
            ", ".join(f"{one['name']} {one['probability']:.0%}" for one in classes),
        )
    output.show(table)
    if len(rows) > _SHOWN:
        output.say(f"{len(rows) - _SHOWN:,} more pictures: --json has all")
    output.result({
        "model": found.model, "model_fingerprint": found.model_fingerprint,
        "images": [{"path": path, "classes": classes} for path, classes in rows],
    })  # fmt: skip


def _score(source: str, data: Path, dataset: str | None, runtime: RuntimeOptions, output: Output) -> None:
    """How well the test images of a dataset are classified."""
    from scalereid.experiments.classifying import evaluate_classes

    found = evaluate_classes(source, data=data, dataset=dataset, runtime=runtime, progress=output.progress)
    scores = found.scores
    output.say(f"{found.model} on {found.dataset.name}\n{scores}")
    output.say(f"{counted(scores.images, 'image')} of {counted(scores.classes, 'class', 'classes')}")
    output.result(found.to_json())
