"""scalereid data check, data unpack: a folder of images, before anything is trained on it."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Annotated

from rich.table import Column, Table
from tyro.conf import Positional, arg

from scalereid.cli.errors import UsageError
from scalereid.cli.options import Flat, Switch, otherwise
from scalereid.cli.terminal import Output, program
from scalereid.data.check import check
from scalereid.data.check.findings import Finding
from scalereid.data.check.layout import Layout, ask, explain, find_datasets
from scalereid.data.names import splits_of
from scalereid.data.protocols import Protocol
from scalereid.data.readers.cuhk03_mat import IMAGES, unpack_cuhk03
from scalereid.data.readers.paths import FoldersOf
from scalereid.data.readers.person_folders import PeopleOrCamerasError
from scalereid.data.readers.table import write_csv
from scalereid.data.reading import read_dataset
from scalereid.data.records import Counts, ReidDataset
from scalereid.data.splitting import with_query_and_gallery
from scalereid.files import require_writable
from scalereid.locks import locked
from scalereid.wording import counted

_READERS: dict[FoldersOf, str] = {"people": "person-folders", "cameras": "camera-folders"}


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """What is checked, and how closely."""

    dataset: Annotated[str | None, otherwise("what is found there")] = None
    """Name of the dataset; see `scalereid datasets`."""
    folders: Annotated[FoldersOf | None, otherwise("asked where it is not plain")] = None
    """Whose folders are in ROOT: the same as the dataset person-folders or camera-folders."""
    protocol: Annotated[Protocol | None, otherwise("the dataset's own")] = None
    """Protocol to check for."""
    decode: Switch = False
    """Decode every image, not only its header."""
    write_split: Switch = False
    """Write the splits to ROOT/dataset.csv. If there are no queries, take some people out of training for them."""
    train_share: Annotated[float | None, otherwise("0.5")] = None
    """Share of people who stay in training when --write-split makes queries."""


def data_check(
    root: Annotated[Positional[Path], arg(metavar="ROOT", help="Folder of the dataset.")],
    options: Flat[CheckOptions],
    output: Flat[Output],
) -> None:
    """Find out which dataset is in a folder, what is wrong with it and what to do.
    Exits with 1 if it cannot be used as it is."""
    if options.dataset and options.folders:
        raise UsageError("--dataset and --folders both name the dataset; give one of them")
    if options.write_split:
        require_writable(_folder(root) / "dataset.csv")
    layout, findings = _read(root, _READERS[options.folders] if options.folders else options.dataset)
    name, dataset = next(iter(layout.readable.items()), ("", None))
    written = None
    if dataset:
        dataset = replace(dataset, protocol=options.protocol or dataset.protocol)
        if options.write_split:
            with locked(_folder(root) / "dataset.csv"):
                written, dataset = _write_split(root, dataset, options.train_share, output)
        images = sum(len(records) for records in dataset.splits.values())
        with output.progress.stage("decoding" if options.decode else "checking files", images) as advance:
            findings = [*check(dataset, decode=options.decode, advance=advance), *findings]
        others = [other for other in layout.readable if other != name]
        rule = "top-1 error" if dataset.classes else f"the {dataset.protocol} protocol"
        also = f" (also readable as {', '.join(others)})" if others else ""
        output.say(f"\n{root} holds {name}{also}, scored by {rule}:\n")
        output.show(_counts_table(dataset.counts(), "classes" if dataset.classes else "people"))
    for finding in findings:
        output.say(str(finding))
        if finding.kind == "packed":
            output.say(f"    Unpack it:  {program()} data unpack {quote(finding.examples[0])}")
        if finding.kind == "people-or-cameras":
            for answer in _READERS:
                output.say(f"    {answer.capitalize()}:  {program()} data check {quote(str(root))} --folders {answer}")
    depth = "" if options.decode else " (of images only the headers were read; --decode decodes every image)"
    output.say(f"\n{_verdict(findings)}{depth}")
    output.result({
        "root": str(root.absolute()),
        "readable_as": list(layout.readable),
        "dataset": name or None,
        "protocol": dataset.protocol if dataset else None,
        "counts": {split: counts._asdict() for split, counts in dataset.counts().items()} if dataset else {},
        "findings": [finding.to_json() for finding in findings],
        "written": str(written) if written else None,
    })  # fmt: skip
    if any(finding.severity == "error" for finding in findings):
        sys.exit(1)


def data_unpack(
    root: Annotated[Positional[Path], arg(metavar="ROOT", help="Folder in which cuhk-03.mat is.")],
    output: Flat[Output],
) -> None:
    """Write the images and the classic test sets that CUHK03's one large MATLAB file
    holds."""
    with output.progress.stage("unpacking CUHK03", IMAGES) as advance:
        folder = unpack_cuhk03(root, advance)
    output.say(f"unpacked into {folder}. Next:  {program()} data check {quote(str(folder))}")
    output.result({"folder": str(folder)})


def _read(root: Path, name: str | None) -> tuple[Layout, list[Finding]]:
    """The dataset of that name, or whatever is found there, or why it cannot be read."""
    if not name:
        layout = find_datasets(root)
        return layout, explain(root, layout)
    try:
        return Layout({name: read_dataset(splits_of(name)[0], root)}, {}, ()), []
    except PeopleOrCamerasError as error:
        return Layout({}, {}, ()), [ask(str(error))]
    except (ValueError, OSError, ModuleNotFoundError) as error:
        return Layout({}, {}, ()), [Finding("error", "unreadable", str(error))]


def _write_split(
    root: Path, dataset: ReidDataset, train_share: float | None, output: Output
) -> tuple[Path, ReidDataset]:
    """Write the dataset, with queries and a gallery, as a table; returns the file and what is in it."""
    folder = _folder(root)
    free = [folder / name for name in ("dataset.csv", "dataset-split.csv") if not (folder / name).exists()]
    if not free:
        raise FileExistsError(f"{folder} has a dataset.csv and a dataset-split.csv; move them away first")
    split = dataset
    if not dataset.query and not dataset.gallery:
        split = with_query_and_gallery(dataset, 0.5 if train_share is None else train_share)
    elif train_share is not None:
        raise ValueError(f"train_share={train_share} has no effect: {dataset.name} has queries and a gallery already")
    write_csv(free[0], split)
    where = folder if free[0].name == "dataset.csv" else free[0]
    output.say(f"written: {free[0]}, to be named --data {quote(str(where))} --dataset csv")
    return free[0], split


def _folder(root: Path) -> Path:
    """The folder of a dataset, which may be named by its table."""
    return root.parent if root.is_file() else root


def _verdict(findings: Sequence[Finding]) -> str:
    numbers = Counter(finding.severity for finding in findings)
    said = [counted(numbers[kind], kind) for kind in ("error", "warning") if numbers[kind]]
    return ", ".join(said) or "nothing wrong"


def _counts_table(counts: Mapping[str, Counts], people: str) -> Table:
    """People or classes, cameras and images of a dataset's splits."""
    with_tracklets = any(count.tracklets for count in counts.values())
    columns = ("people", "cameras", "images", *(("tracklets",) if with_tracklets else ()))
    table = Table("", *(Column(name, justify="right") for name in (people, *columns[1:])))
    for split, count in counts.items():
        table.add_row(split, *(f"{getattr(count, column):,}" for column in columns))
    return table
