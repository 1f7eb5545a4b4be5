"""Your own dataset as a table: a CSV file or JSON lines."""

import csv
import io
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from reprlib import repr as shortened
from stat import S_ISREG
from typing import NamedTuple, TypeVar, cast, get_args

from scalereid.data.protocols import Protocol
from scalereid.data.readers.folders import NotHereError, list_images, without_junk
from scalereid.data.readers.rows import BOX, Row, check_cells, csv_rows, json_rows, on_line, table_rows, whole_number
from scalereid.data.records import JUNK, ImageRecord, ReidDataset
from scalereid.files import kind, write

COLUMNS = ("split", "path", "pid", "camid")
"""Required columns. Optional ones are tracklet and protocol; the latter is the same in each row."""
_SPLITS = ("train", "query", "gallery")
T = TypeVar("T")


class _Listed(NamedTuple):
    """A row and the last of its lines."""

    line: int
    record: ImageRecord


def read_csv(root: Path) -> ReidDataset:
    """Your own data, listed in a CSV file with the columns split, path, pid and camid, in any order.

    `root` is the file, or a folder with a `dataset.csv`. `split` is train, query or gallery; paths are relative to the
    file's folder; pids and camids are whole numbers. An optional column tracklet numbers the sequences of a person from a
    camera that are retrieved as one, and is empty for an image by itself; an optional column protocol names one other than
    market1501. Rows keep the file's order. Any split may be empty. Pid −1 is junk, which is dropped, 0 a distractor.

    Raises:
        FileNotFoundError: The file, or an image that it lists, does not exist.
        ValueError: A column is missing, a cell is one too many or cannot be read, or an image is listed twice in a split, which
            would count it twice in the scores; the message names file, line and cell.
    """
    file = _table(root, ".csv")
    return _dataset(file, csv_rows(file, COLUMNS))


def read_jsonl(root: Path) -> ReidDataset:
    """Your own data, as JSON lines: {"split": "query", "path": "a.jpg", "pid": 7, "camid": 2}, as in a CSV file.

    `root` is the file, or a folder with a `dataset.jsonl`.

    Raises:
        FileNotFoundError: The file, or an image that it lists, does not exist.
        ValueError: A key is missing, a value cannot be read, or an image is listed twice in a split; the message names file,
            line and value.
    """
    file = _table(root, ".jsonl")
    return _dataset(file, json_rows(file, COLUMNS))


def read_listed(file: Path, *, frames: bool = False) -> Iterator[tuple[str, int, int]]:
    """Yield path, pid and camid of each row of a .csv or .jsonl table, in its order; −1 where pid or camid is missing.

    For images that need no labels: only the path is required, and an image may be listed several times. With `frames` boxes of
    people in them do not matter.

    Raises:
        FileNotFoundError: The file, or an image that it lists, does not exist.
        ValueError: A path is missing, a cell is one too many, a pid or camid is not a whole number, or there is the box of a
            person, whom nobody would cut out; the message names file and line.
    """
    for number, row in table_rows(file, ["path"]):
        try:
            check_cells(row)
            if not frames:
                _require_whole(row)
            path = os.path.join(file.parent, _path(row))  # noqa: PTH118 - a million of them
            pid, camid = (_optional(row, key, missing=-1) for key in ("pid", "camid"))
        except (KeyError, ValueError) as error:
            raise on_line(file, number, error) from None
        if not os.path.isfile(path):  # noqa: PTH113
            raise FileNotFoundError(f"{file}, line {number}: {path} {_why_not(Path(path))}")
        yield path, pid, camid


def write_csv(file: Path, dataset: ReidDataset) -> None:
    """Write `dataset` as such a table, with paths relative to the file's folder; of images elsewhere they are absolute.

    Raises:
        ValueError: It has classes, which a table does not list, or the name of an image is not UTF-8.
    """
    if dataset.classes:
        raise ValueError(
            f"{dataset.name} cannot be written as {file}: it has classes, and such a table lists people; use it as it is"
        )
    columns = [*COLUMNS] if dataset.protocol == "market1501" else [*COLUMNS, "protocol"]
    if any(record.tracklet is not None for records in dataset.splits.values() for record in records):
        columns.append("tracklet")
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, columns, extrasaction="ignore")
    rows.writeheader()
    for split, records in dataset.splits.items():
        for record in records:
            inside = record.path.is_relative_to(file.parent)
            path = record.path.relative_to(file.parent) if inside else record.path.absolute()
            cells = {"split": split, "path": path.as_posix(), "pid": record.pid, "camid": record.camid}
            rows.writerow({**cells, "protocol": dataset.protocol, "tracklet": record.tracklet})
    try:
        content = text.getvalue().encode()
    except UnicodeEncodeError as error:
        name = error.object[: error.end].splitlines()[-1]
        raise ValueError(
            f"{file} cannot be written: the name of a file is not UTF-8, in {name!r}; rename the file"
        ) from None
    write(file, lambda partial: partial.write_bytes(content))


def _table(root: Path, suffix: str) -> Path:
    """The file that `root` is, or contains."""
    other = {".csv": ".jsonl", ".jsonl": ".csv"}[suffix]
    if root.is_file() and root.suffix.lower() == other:
        raise NotHereError(f"{root} is not a {suffix} table; its reader is {other[1:]}")
    file = root / f"dataset{suffix}" if root.is_dir() else root
    if not file.is_file():
        keys = "keys" if file.suffix == ".jsonl" else "columns"
        raise NotHereError(f"{file} does not exist; write a table of the images with the {keys} {','.join(COLUMNS)}")
    return file


def _dataset(file: Path, rows: Iterable[tuple[int, Row]]) -> ReidDataset:
    listed: dict[str, list[_Listed]] = {split: [] for split in _SPLITS}
    protocols: set[str] = set()
    for number, row in rows:
        try:
            check_cells(row)
            _require_whole(row)
            protocols.add(_one_of(get_args(Protocol), "protocol", row.get("protocol") or "market1501"))
            listed[_one_of(_SPLITS, "split", row["split"])].append(_Listed(number, _record(file.parent, row)))
        except (KeyError, ValueError) as error:
            raise on_line(file, number, error) from None
    if len(protocols) > 1:
        raise ValueError(f"{file} names several protocols, {', '.join(sorted(protocols))}; a dataset has one")
    _check_files(file, listed)
    splits = {split: [row.record for row in rows] for split, rows in listed.items()}
    left_out: Counter[str] = Counter()
    names = {os.path.normpath(record.path) for records in splits.values() for record in records}
    for folder in sorted({os.path.dirname(name) for name in names}):  # noqa: PTH120 - of a normalised name
        if unlisted := sum(str(image) not in names for image in list_images(Path(folder), Counter())):
            left_out["images beside those listed"] += unlisted
    train, query, gallery = (
        without_junk(records, f"junk (pid −1) listed as {split}", left_out) for split, records in splits.items()
    )
    protocol = cast(Protocol, protocols.pop() if protocols else "market1501")
    return ReidDataset(file.parent.absolute().name, file.parent, train, query, gallery, protocol, left_out)


def _why_not(image: Path) -> str:
    """Why a path is not a file."""
    return f"is {kind(image)}, not a file" if image.exists() else "does not exist"


def _check_files(file: Path, listed: Mapping[str, Sequence[_Listed]]) -> None:
    """Raise an error if an image does not exist, or is listed twice in a split, by whatever name."""
    same = {split: _by_inode(rows) for split, rows in listed.items()}
    if gone := [row.record.path for rows in same.values() for row in rows.get(None, ())]:
        more = f", and {len(gone) - 1:,} more that do not exist" if len(gone) > 1 else ""
        raise FileNotFoundError(f"{file} lists {gone[0]}, which {_why_not(gone[0])}{more}")
    for split, rows in ((split, rows) for split, files in same.items() for rows in files.values() if len(rows) > 1):
        first: dict[str, _Listed] = {}
        for row in rows:
            before = first.setdefault(os.path.realpath(row.record.path), row)  # other hard links are copies
            if before is not row:
                other = "" if before.record.path == row.record.path else f" as {before.record.path}"
                raise ValueError(
                    f"{file}, line {row.line}: {row.record.path} is listed twice in the {split} split, also in line "
                    f"{before.line}{other}, and would count twice; list an image once in a split"
                )


def _by_inode(rows: Sequence[_Listed]) -> dict[tuple[int, int] | None, list[_Listed]]:
    """Rows by the device and inode of their files, which all names of a file share; those without a file under None."""
    same: dict[tuple[int, int] | None, list[_Listed]] = defaultdict(list)
    for row in rows:
        try:
            found = row.record.path.stat()
            same[(found.st_dev, found.st_ino) if S_ISREG(found.st_mode) else None].append(row)
        except (OSError, ValueError):  # ValueError: a name that no file can have
            same[None].append(row)
    return same


def _record(folder: Path, row: Row) -> ImageRecord:
    pid, camid = whole_number("pid", row["pid"]), whole_number("camid", row["camid"])
    if pid < JUNK:
        raise ValueError(f"pid is {pid}; it must be positive, or 0 for a distractor, or −1 for junk")
    return ImageRecord(folder / _path(row), pid, camid, _optional(row, "tracklet", missing=None))


def _path(row: Row) -> str:
    if not isinstance(row["path"], str):
        raise ValueError(f"path is {shortened(row['path'])}; it must be text")
    return row["path"]


def _require_whole(row: Row) -> None:
    if any(row.get(name) not in (None, "") for name in ("box", *BOX)):
        raise ValueError(
            "it has the box of a person, but these pictures are taken whole; list pictures that are cut out, or give the table "
            "to `scalereid gallery add`, which cuts them out"
        )


def _one_of(choices: tuple[str, ...], column: str, value: object) -> str:
    if value not in choices:
        raise ValueError(f"{column} is {shortened(value)}; it must be one of {', '.join(choices)}")
    return str(value)


def _optional(row: Row, column: str, *, missing: T) -> int | T:
    value = row.get(column)
    return missing if value in (None, "") else whole_number(column, value)
