"""Which datasets lie in a folder, and if none can be read there, why not."""

import os
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from scalereid.data import DATASETS
from scalereid.data.check.findings import Finding, Severity, named, share
from scalereid.data.packed import ZIP
from scalereid.data.readers import OF_CLASSES
from scalereid.data.readers.cameras import look_like_cameras, look_like_places
from scalereid.data.readers.cuhk03_mat import CUHK03_FILE
from scalereid.data.readers.folders import NotHereError, is_image, list_folders, walk
from scalereid.data.readers.market_names import MARKET_LIKE, SPLIT_NAMES
from scalereid.data.readers.person_folders import PeopleOrCamerasError
from scalereid.data.records import ReidDataset
from scalereid.wording import counted

TABLES = ("csv", "jsonl")
OWN_DATA = (*TABLES, "market-names", "folders", "person-folders", "camera-folders")
_OF_PEOPLE = tuple(name for name in DATASETS if name not in OF_CLASSES)
_MAX_FOLDERS = 300  # tried above and below
_MAX_FILES = 200_000


class Layout(NamedTuple):
    """What readers found in a folder."""

    readable: dict[str, ReidDataset]
    """Datasets by the reader's name; of those with several splits the first."""
    refused: dict[str, str]
    """Why readers that found their folders cannot read them, by the reader's name."""
    warnings: tuple[str, ...]
    question: str = ""
    """Whether folders are people's or cameras', where that has to be asked."""


def find_datasets(root: Path, names: Iterable[str] = _OF_PEOPLE) -> Layout:
    """Try the readers of these names on a folder; `camera-folders` only where folders are named like cameras or places.

    `person-folders` is not tried: it reads what `folders` does, and does not ask.
    """
    readable, refused, question = {}, {}, ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name in names:
            if name == "person-folders" or (name == "camera-folders" and not _holds_cameras(root)):
                continue
            try:
                readable[name] = DATASETS[name](root)
            except NotHereError:
                continue
            except PermissionError:
                raise
            except PeopleOrCamerasError as error:
                question = str(error)
            except (ValueError, ModuleNotFoundError, OSError) as error:
                refused[name] = str(error)
    if any(name in refused for name in TABLES):  # a table is meant to be read, and nothing else
        readable = {name: read for name, read in readable.items() if name not in OWN_DATA}
    return Layout(readable, refused, tuple(dict.fromkeys(str(warning.message) for warning in caught)), question)


def ask(question: str) -> Finding:
    """The finding that folders may be people's or cameras'."""
    return Finding("error", "people-or-cameras", question)


def explain(root: Path, layout: Layout) -> list[Finding]:
    """What to know about a folder's layout: datasets that are incomplete, or lie in a folder nearby."""
    if not root.exists():
        return [Finding("error", "no-folder", f"{root} does not exist; name the folder that holds the dataset")]
    if root.is_file() and root.suffix.lower().removeprefix(".") not in TABLES:
        of_classes = "; a zip file is read only where it holds classes: name the dataset class-folders"
        message = f"{root} is a file; name the folder that holds the dataset, or its table, a .csv or .jsonl file"
        return [Finding("error", "not-a-folder", message + of_classes * (root.suffix == ZIP))]
    unreadable = {
        name: Finding("error", "unreadable", f"not readable as {name}: {why}") for name, why in layout.refused.items()
    }
    tables = [unreadable[name] for name in TABLES if name in unreadable]
    findings = [*_almost(layout), *tables, *_other_tables(root, layout)]
    whole = any(_is_whole(name, read) for name, read in layout.readable.items())
    if not whole and not tables:
        findings += _nearby(root, readable=bool(layout.readable))
    if not layout.readable:
        if not any(finding.severity == "error" for finding in findings):
            findings += [ask(layout.question)] if layout.question else _names(root)
        own = ("market-names", "folders", "camera-folders")
        findings += [unreadable[name] for name in own if name in unreadable and not layout.question]
    findings += [Finding("warning", "reader", warning) for warning in layout.warnings]
    return findings


def _holds_cameras(root: Path) -> bool:
    """Whether the folders in a folder, or in its `train`, `query` and `gallery`, are named like cameras or places."""
    folders = list_folders(root) if root.is_dir() else []
    within = [inner for folder in folders if folder.name.lower() in SPLIT_NAMES for inner in list_folders(folder)]
    names = [folder.name for folder in within or folders]
    return look_like_cameras(names) or look_like_places(names)


def _almost(layout: Layout) -> Iterator[Finding]:
    """Published datasets that are there but cannot be read, before the first that can."""
    severity: Severity = "note" if layout.readable else "error"
    names = [*DATASETS]
    first = next((names.index(name) for name in layout.readable), len(names))
    said = set()
    for name, why in layout.refused.items():
        if name not in OWN_DATA and names.index(name) < first and why not in said:
            said.add(why)  # several readers may say the same
            yield Finding(severity, "refused", f"this looks like {name}, but: {why}")


def _is_whole(name: str, read: ReidDataset) -> bool:
    """Whether it is a published dataset, or one's own with queries."""
    return name not in OWN_DATA or bool(read.query)


def _is_part(root: Path, read: ReidDataset) -> bool:
    """Whether images of the dataset lie under `root`."""
    inside = root.absolute()
    return any(record.path.absolute().is_relative_to(inside) for split in read.splits.values() for record in split)


def _other_tables(root: Path, layout: Layout) -> Iterator[Finding]:
    """Tables in the folder under names that no reader tries."""
    if root.is_dir() and not any(name in layout.readable or name in layout.refused for name in TABLES):
        with os.scandir(root) as entries:
            tables = sorted(entry.path for entry in entries if entry.name.lower().endswith((".csv", ".jsonl")))
        if tables:
            message = (
                "there are tables here; if one lists the images, name the file itself, or rename it to dataset.csv"
            )
            yield Finding("note", "other-tables", message, named(tables))


def _nearby(root: Path, *, readable: bool) -> Iterator[Finding]:
    """Datasets up to two levels above, of which `root` is a part, and three below, or one to unpack.

    Where `root` is `readable` itself, only those with queries.
    """
    below = [*islice(_folders(root, depth=3), _MAX_FOLDERS)]
    above = list(root.absolute().parents)[:2]
    for folder in [*above, *below]:
        try:
            there = find_datasets(folder).readable
        except PermissionError:
            continue
        for name, read in there.items():
            trains = not readable and folder not in above and len({record.pid for record in read.train}) > 1
            if trains or (_is_whole(name, read) and (folder not in above or _is_part(root, read))):
                severity: Severity = "warning" if readable else "error"
                yield Finding(severity, "wrong-level", f"{name} is not here but in {folder}: name that folder")
                return
    for folder in [root, *below]:
        if (folder / CUHK03_FILE).is_file():
            message = f"CUHK03 is still packed into {CUHK03_FILE}; unpack it first"
            yield Finding("error", "packed", message, named([folder]))
            return


def _folders(root: Path, depth: int) -> Iterator[Path]:
    if not root.is_dir():
        return
    for folder in list_folders(root):
        if not folder.is_symlink():
            yield folder
            if depth > 1:
                yield from _folders(folder, depth - 1)


def _names(root: Path) -> Iterator[Finding]:
    """Whether people and cameras can be read from the names of the images below."""
    files = ((folder, name) for folder, names in walk(root) for name in names)
    images = [Path(folder) / name for folder, name in islice(files, _MAX_FILES) if is_image(name)]
    if not images:
        yield Finding("error", "no-images", f"there are no images in {root}, nor in the folders below it")
        return
    nameless = [image for image in images if not MARKET_LIKE.fullmatch(image.name)]
    if not nameless:
        folders = sorted({str(image.parent) for image in images})
        message = (
            f"{counted(len(images), 'image')} with person and camera in the name, but in folders that no reader knows; "
            "rename the folders to train, query and gallery, directly in the folder that you name"
        )
        yield Finding("error", "unknown-folders", message, named(folders))
    elif len(nameless) < len(images):
        message = (
            f"person and camera cannot be read from the names of {share(len(nameless), len(images))} images; name all of them "
            "like 0042_c3_0001.jpg, or list them in a table"
        )
        yield Finding("error", "mixed-names", message, named(nameless))
    else:
        message = (
            f"person and camera cannot be read from the names of the {counted(len(images), 'image')} here; name them like "
            "0042_c3_0001.jpg, put the images of each person into a folder, with folders for each camera above "
            "(kitchen/anna/x.jpg) or cameras in the names (anna/x_c2.jpg), or list them in a table, dataset.csv"
        )
        yield Finding("error", "nameless", message, named(nameless))
