"""Your own dataset as a table: a CSV file or JSON lines."""

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar, cast, get_args

from scalereid.data.protocols import Protocol
from scalereid.data.readers.folders import NotHereError, list_images, without_junk
from scalereid.data.records import JUNK, ImageRecord, ReidDataset
from scalereid.files import kind, write

COLUMNS = ("split", "path", "pid", "camid")
"""Required columns. Optional ones are tracklet and protocol; the latter is the same in each row."""
_SPLITS = ("train", "query", "gallery")
_Row = Mapping[str, object]
T = TypeVar("T")


def read_csv(root: Path) -> ReidDataset:
    """Your own data, listed in a CSV file with the columns split, path, pid and camid, in any order.

    `root` is the file, or a folder with a `dataset.csv`. `split` is train, query or gallery; paths are relative to the
    file's folder; pids and camids are whole numbers. An optional column tracklet numbers the sequences of a person from a
    camera that are retrieved as one, and is empty for an image by itself; an optional column protocol names one other than
    market1501. Rows keep the file's order. Any split may be empty. Pid −1 is junk, which is dropped, 0 a distractor.

    Raises:
        FileNotFoundError: The file, or an image that it lists, does not exist.
        ValueError: A column is missing, or a cell cannot be read; the message names file, line and cell.
    """
    file = _table(root, ".csv")
    with io.StringIO(_text(file), newline="") as lines:
        rows = csv.DictReader(lines)
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise ValueError(f"{file} has no column {', '.join(missing)}; its first line must name {','.join(COLUMNS)}")
        return _dataset(file, _csv_rows(file, rows))


def read_jsonl(root: Path) -> ReidDataset:
    """Your own data, as JSON lines: {"split": "query", "path": "a.jpg", "pid": 7, "camid": 2}, as in a CSV file.

    `root` is the file, or a folder with a `dataset.jsonl`.

    Raises:
        FileNotFoundError: The file, or an image that it lists, does not exist.
        ValueError: A key is missing, or a value cannot be read; the message names file, line and value.
    """
    file = _table(root, ".jsonl")
    return _dataset(file, _json_rows(file))


def read_listed(file: Path) -> Iterator[tuple[str, int, int]]:
    """Yield path, pid and camid of each row of a .csv or .jsonl table, in its order; −1 where pid or camid is missing.

    For images that need no labels: only the path is required.

    Raises:
        FileNotFoundError: The file, or an image that it lists, does not exist.
        ValueError: A path is missing, or a pid or camid is not a whole number; the message names file and line.
    """
    if file.suffix == ".csv":
        lines = csv.DictReader(io.StringIO(_text(file), newline=""))
        if "path" not in (lines.fieldnames or ()):
            names = ", ".join(lines.fieldnames or ["no columns"])
            raise ValueError(f"{file} has no column path; its first line names {names}")
        rows: Iterable[tuple[int, _Row]] = _csv_rows(file, lines)
    else:
        rows = _json_rows(file)
    for number, row in rows:
        try:
            path = os.path.join(file.parent, str(row["path"]))  # noqa: PTH118 - a million of them
            pid, camid = (_optional(row, key, missing=-1) for key in ("pid", "camid"))
        except (KeyError, ValueError) as error:
            raise _on_line(file, number, error) from None
        if not os.path.isfile(path):  # noqa: PTH113
            raise FileNotFoundError(f"{file}, line {number}: {path} {_why_not(Path(path))}")
        yield path, pid, camid


def write_csv(file: Path, dataset: ReidDataset) -> None:
    """Write `dataset` as such a table, with paths relative to the file's folder.

    Raises:
        ValueError: An image is not in that folder.
    """
    columns = [*COLUMNS] if dataset.protocol == "market1501" else [*COLUMNS, "protocol"]
    if any(record.tracklet is not None for records in dataset.splits.values() for record in records):
        columns.append("tracklet")
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, columns, extrasaction="ignore")
    rows.writeheader()
    for split, records in dataset.splits.items():
        for record in records:
            path = record.path.relative_to(file.parent).as_posix()
            cells = {"split": split, "path": path, "pid": record.pid, "camid": record.camid}
            rows.writerow({**cells, "protocol": dataset.protocol, "tracklet": record.tracklet})
    write(file, lambda partial: partial.write_bytes(text.getvalue().encode()))


def _table(root: Path, suffix: str) -> Path:
    """The file that `root` is, or contains."""
    other = {".csv": ".jsonl", ".jsonl": ".csv"}[suffix]
    if root.is_file() and root.suffix.lower() == other:
        raise NotHereError(f"{root} is not a {suffix} table; its reader is {other[1:]}")
    return root / f"dataset{suffix}" if root.is_dir() else root


def _text(file: Path) -> str:
    if not file.is_file():
        keys = "keys" if file.suffix == ".jsonl" else "columns"
        raise NotHereError(f"{file} does not exist; write a table of the images with the {keys} {','.join(COLUMNS)}")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text: {error}") from None


def _csv_rows(file: Path, rows: "csv.DictReader[str]") -> Iterator[tuple[int, _Row]]:
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise ValueError(f"{file}, line {rows.line_num}: {error}; is a quotation mark left open?") from None


def _json_rows(file: Path) -> Iterator[tuple[int, _Row]]:
    for number, line in enumerate(_text(file).splitlines(), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"{file}, line {number}: not valid JSON: {error}") from None
            if not isinstance(row, dict):
                raise ValueError(f"{file}, line {number}: {line!r} is not an object with {', '.join(COLUMNS)}")
            yield number, row


def _dataset(file: Path, rows: Iterable[tuple[int, _Row]]) -> ReidDataset:
    splits: dict[str, list[ImageRecord]] = {split: [] for split in _SPLITS}
    protocols: set[str] = set()
    for number, row in rows:
        try:
            protocols.add(_one_of(get_args(Protocol), "protocol", row.get("protocol") or "market1501"))
            splits[_one_of(_SPLITS, "split", row["split"])].append(_record(file.parent, row))
        except (KeyError, ValueError) as error:
            raise _on_line(file, number, error) from None
    gone = [record.path for records in splits.values() for record in records if not record.path.is_file()]
    if gone:
        more = f", and {len(gone) - 1:,} more that do not exist" if len(gone) > 1 else ""
        raise FileNotFoundError(f"{file} lists {gone[0]}, which {_why_not(gone[0])}{more}")
    left_out: Counter[str] = Counter()
    listed = {os.path.normpath(record.path) for records in splits.values() for record in records}
    for folder in sorted({os.path.dirname(path) for path in listed}):  # noqa: PTH120 - of a normalised name
        if unlisted := sum(str(image) not in listed for image in list_images(Path(folder), Counter())):
            left_out["images beside those listed"] += unlisted
    train, query, gallery = (
        without_junk(records, f"junk (pid −1) listed as {split}", left_out) for split, records in splits.items()
    )
    if len(protocols) > 1:
        raise ValueError(f"{file} names several protocols, {', '.join(sorted(protocols))}; a dataset has one")
    protocol = cast(Protocol, protocols.pop() if protocols else "market1501")
    return ReidDataset(file.parent.absolute().name, file.parent, train, query, gallery, protocol, left_out)


def _why_not(image: Path) -> str:
    """Why a path is not a file."""
    return f"is {kind(image)}, not a file" if image.exists() else "does not exist"


def _on_line(file: Path, number: int, error: Exception) -> ValueError:
    return ValueError(
        f"{file}, line {number}: {f'{error.args[0]} is missing' if isinstance(error, KeyError) else error}"
    )


def _record(folder: Path, row: _Row) -> ImageRecord:
    pid, camid = _whole("pid", row["pid"]), _whole("camid", row["camid"])
    if pid < JUNK:
        raise ValueError(f"pid is {pid}; it must be positive, or 0 for a distractor, or −1 for junk")
    if not isinstance(row["path"], str):
        raise ValueError(f"path is {row['path']!r}; it must be text")
    return ImageRecord(folder / row["path"], pid, camid, _optional(row, "tracklet", missing=None))


def _one_of(choices: tuple[str, ...], column: str, value: object) -> str:
    if value not in choices:
        raise ValueError(f"{column} is {value!r}; it must be one of {', '.join(choices)}")
    return str(value)


def _optional(row: _Row, column: str, *, missing: T) -> int | T:
    value = row.get(column)
    return missing if value in (None, "") else _whole(column, value)


def _whole(column: str, value: object) -> int:
    if not re.fullmatch(r"-?[0-9]+", str(value).strip()):
        raise ValueError(f"{column} is {value!r}; it must be a whole number")
    return int(str(value))
