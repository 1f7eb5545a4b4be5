"""What lies in a folder, and when nothing can be read there, why not."""

import os
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from scalereid.data import DATASETS
from scalereid.data.check.findings import Finding, Severity, share, some
from scalereid.data.readers.cuhk03_mat import CUHK03_FILE
from scalereid.data.readers.folders import IMAGE_SUFFIXES
from scalereid.data.readers.market_names import MARKET_LIKE
from scalereid.data.records import ReidDataset

OWN_DATA = ("csv", "jsonl", "market-names", "folders")
_MOST_FOLDERS = 300  # looked into above and below
_MOST_FILES = 200_000


class Layout(NamedTuple):
    """What readers say to a folder."""

    readable: dict[str, ReidDataset]
    """By the reader's name; of datasets with several splits the first."""
    refused: dict[str, str]
    """Readers that found their folders there but cannot read them, and why."""
    warnings: tuple[str, ...]


def find_datasets(root: Path, names: Iterable[str] = tuple(DATASETS)) -> Layout:
    """Try the readers of these names on a folder."""
    readable, refused = {}, {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name in names:
            try:
                readable[name] = DATASETS[name](root)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (ValueError, ModuleNotFoundError) as error:
                refused[name] = str(error)
    return Layout(readable, refused, tuple(dict.fromkeys(str(warning.message) for warning in caught)))


def explain(root: Path, layout: Layout) -> list[Finding]:
    """What to know about a folder's layout: published datasets that are not quite there, or not there but near."""
    if not root.exists():
        return [Finding("error", "no-folder", f"{root} does not exist; name the folder that holds the dataset")]
    reasons: dict[str, str] = {}
    for name, why in layout.refused.items():
        if name not in OWN_DATA:
            reasons.setdefault(why, name)  # what several say, once
    severity: Severity = "note" if layout.readable else "warning"
    findings = [Finding(severity, "refused", f"this looks like {name}, but: {why}") for why, name in reasons.items()]
    if not any(_is_whole(name, read) for name, read in layout.readable.items()):
        findings += _nearby(root)
    if not layout.readable and not any(finding.severity == "error" for finding in findings):
        findings += _names(root)
        for name in OWN_DATA:
            if name in layout.refused:
                findings.append(Finding("error", "unreadable", f"not readable as {name}: {layout.refused[name]}"))
    findings += [Finding("warning", "reader", warning) for warning in layout.warnings]
    return findings


def _is_whole(name: str, read: ReidDataset) -> bool:
    """Whether it is a published dataset, or somebody's own that has a test side."""
    return name not in OWN_DATA or bool(read.query)


def _nearby(root: Path) -> Iterator[Finding]:
    """Whole datasets up to two levels above and below, or one to unpack."""
    below = [*islice(_folders(root, depth=2), _MOST_FOLDERS)]
    for folder in [*list(root.absolute().parents)[:2], *below]:
        try:
            found = [name for name, read in find_datasets(folder).readable.items() if _is_whole(name, read)]
        except PermissionError:
            continue
        if found:
            yield Finding("error", "wrong-level", f"{found[0]} is not here but in {folder}: name that folder")
            return
    for folder in [root, *below]:
        if (folder / CUHK03_FILE).is_file():
            message = f"CUHK03 lies in {folder}, packed into {CUHK03_FILE}: scalereid data unpack {quote(str(folder))}"
            yield Finding("error", "packed", message)
            return


def _folders(root: Path, depth: int) -> Iterator[Path]:
    if not root.is_dir():
        return
    with os.scandir(root) as entries:
        folders = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    for name in folders:
        yield root / name
        if depth > 1:
            yield from _folders(root / name, depth - 1)


def _names(root: Path) -> Iterator[Finding]:
    """Whether the names of the images below tell people and cameras."""
    files = (Path(folder) / name for folder, _, names in os.walk(root) for name in sorted(names))
    images = [file for file in islice(files, _MOST_FILES) if file.name.lower().endswith(IMAGE_SUFFIXES)]
    if not images:
        yield Finding("error", "no-images", f"there are no images in {root}, nor in the folders below it")
        return
    nameless = [image for image in images if not MARKET_LIKE.fullmatch(image.name)]
    if not nameless:
        folders = sorted({str(image.parent) for image in images})
        message = (
            f"{len(images):,} images have names that tell person and camera, but lie in folders that no reader looks into; "
            "call them train, query and gallery"
        )
        yield Finding("error", "unknown-folders", message, some(folders))
    elif len(nameless) < len(images):
        message = (
            f"mixed names: person and camera cannot be read from those of {share(len(nameless), len(images))} images; name all "
            "like 0042_c3_0001.jpg, or list them in a table"
        )
        yield Finding("error", "mixed-names", message, some(nameless))
    else:
        message = (
            f"person and camera cannot be read from the names of the {len(images):,} images here; name them like "
            "0042_c3_0001.jpg, put each person's into a folder, or list them in a table, dataset.csv"
        )
        yield Finding("error", "nameless", message, some(nameless))
