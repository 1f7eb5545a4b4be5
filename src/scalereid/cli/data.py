"""The commands that look after data: data check, data unpack."""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Annotated

from rich.console import Console
from tyro.conf import Positional, arg

from scalereid.cli.tables import counts_table
from scalereid.cli.terminal import program, show
from scalereid.data.check import check
from scalereid.data.check.findings import Finding
from scalereid.data.check.layout import Layout, explain, find_datasets
from scalereid.data.names import splits_of
from scalereid.data.protocols import Protocol
from scalereid.data.readers.cuhk03_mat import IMAGES, unpack_cuhk03
from scalereid.data.readers.table import write_csv
from scalereid.data.reading import read_dataset
from scalereid.data.records import ReidDataset
from scalereid.data.splitting import with_test_side
from scalereid.progress import Progress


def data_check(
    root: Annotated[Positional[Path], arg(metavar="ROOT", help="The folder in which a dataset lies.")],
    *,
    dataset: Annotated[str, arg(help="Its name; unless told, what is found there.")] = "",
    protocol: Annotated[Protocol | None, arg(help="To be scored by; the dataset's own unless told.")] = None,
    decode: Annotated[bool, arg(help="Decode every image, not only its header.")] = False,
    as_json: Annotated[bool, arg(name="json", help="Print JSON, for programs.")] = False,
    write_split: Annotated[
        bool, arg(help="Write the splits to ROOT/dataset.csv; where there are no queries, make some first.")
    ] = False,
    train_share: Annotated[float, arg(help="With --write-split: the share of people that stays in training.")] = 0.5,
) -> None:
    """Say what lies in a folder, what is wrong with it and what to do. Exits with 1 if it cannot be used as it is."""
    progress = Progress(Console(stderr=as_json))
    if dataset:
        layout, findings = _read(root, dataset)
    else:
        layout = find_datasets(root)
        findings = explain(root, layout)
    name, read = next(iter(layout.readable.items()), ("", None))
    if read:
        read = replace(read, protocol=protocol) if protocol else read
        if write_split:
            read = _written(root, read, train_share, progress)
        images = sum(len(records) for records in read.splits.values())
        with progress.stage("decoding" if decode else "looking at files", images) as advance:
            findings = [*check(read, decode=decode, advance=advance), *findings]
    if as_json:
        print(json.dumps(_to_json(root, layout, name, read, findings), indent=2))
    else:
        _say(root, layout, name, read, findings, decode, progress)
    if any(finding.severity == "error" for finding in findings):
        sys.exit(1)


def _read(root: Path, name: str) -> tuple[Layout, list[Finding]]:
    """The dataset of that name, or why it cannot be read."""
    try:
        return Layout({name: read_dataset(splits_of(name)[0], root)}, {}, ()), []
    except (ValueError, OSError, ModuleNotFoundError) as error:
        return Layout({}, {}, ()), [Finding("error", "unreadable", str(error))]


def data_unpack(
    root: Annotated[Positional[Path], arg(metavar="ROOT", help="The folder in which cuhk-03.mat lies.")],
) -> None:
    """Write the images and the classic test sets that CUHK03's one large file holds."""
    progress = Progress()
    with progress.stage("unpacking CUHK03", IMAGES) as advance:
        base = unpack_cuhk03(root, advance)
    progress.say(f"unpacked into {base}. Next:  {program()} data check {quote(str(base))}")


def _written(root: Path, read: ReidDataset, train_share: float, progress: Progress) -> ReidDataset:
    """The dataset with queries and a gallery, written as a table."""
    folder = root if root.is_dir() else root.parent
    free = [folder / name for name in ("dataset.csv", "dataset-split.csv") if not (folder / name).exists()]
    if not free:
        raise FileExistsError(f"{folder} has a dataset.csv and a dataset-split.csv; move them away first")
    split = read if read.query or read.gallery else with_test_side(read, train_share)
    write_csv(free[0], split)
    where = folder if free[0].name == "dataset.csv" else free[0]
    progress.say(f"written: {free[0]}, to be named --data {quote(str(where))} --dataset csv")
    return split


def _say(
    root: Path,
    layout: Layout,
    name: str,
    read: ReidDataset | None,
    findings: Sequence[Finding],
    decoded: bool,
    progress: Progress,
) -> None:
    if read:
        others = [other for other in layout.readable if other != name]
        also = f" (also readable as {', '.join(others)})" if others else ""
        progress.say(f"\n{root} holds {name}{also}, scored by the {read.protocol} protocol:\n")
        show(counts_table(read.counts()))
    for finding in findings:
        progress.say(str(finding))
    numbers = Counter(finding.severity for finding in findings)
    words = [f"{numbers[kind]} {kind}{'s' * (numbers[kind] > 1)}" for kind in ("error", "warning") if numbers[kind]]
    depth = "" if decoded else " (of images only the headers were read; --decode looks at every pixel)"
    progress.say(f"\n{', '.join(words) or 'nothing wrong'}{depth}")


def _to_json(
    root: Path, layout: Layout, name: str, read: ReidDataset | None, findings: Sequence[Finding]
) -> Mapping[str, object]:
    return {
        "root": str(root.absolute()),
        "readable_as": list(layout.readable),
        "dataset": name or None,
        "protocol": read.protocol if read else None,
        "counts": {split: counts._asdict() for split, counts in read.counts().items()} if read else {},
        "findings": [finding.to_json() for finding in findings],
    }
