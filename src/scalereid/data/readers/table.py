"""Anyone's own dataset, as a table: a CSV file or JSON lines."""

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast, get_args

from scalereid.data.protocols import Protocol
from scalereid.data.readers.folders import NotHereError, list_images, without_junk
from scalereid.data.records import JUNK, ImageRecord, ReidDataset

COLUMNS = ("split", "path", "pid", "camid")
"""And, where it is not market1501, the protocol, the same in each row."""
_SPLITS = ("train", "query", "gallery")
_Row = Mapping[str, object]


def read_csv(root: Path) -> ReidDataset:
    """Anyone's own data, listed in a CSV file with the columns split, path, pid and camid, in any order.

    `root` is the file, or a folder with a `dataset.csv`. `split` is train, query or gallery; paths are relative to the
    file's folder; pids and camids are whole numbers. A column tracklet, where there is one, numbers the sequences of a person
    from a camera that are found as one, empty for an image by itself; a column protocol names one other than market1501.
    Rows keep the file's order. Any split may be empty. Pid −1 is junk,
    which is left out, 0 a distractor.

    Raises:
        FileNotFoundError: no such file, or a listed image does not exist.
        ValueError: a column is missing, or a cell cannot be read; the message names file, line and cell.
    """
    file = _table(root, ".csv")
    with io.StringIO(_text(file), newline="") as lines:
        rows = csv.DictReader(lines)
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise ValueError(f"{file}: no column {', '.join(missing)}; the first line must name {','.join(COLUMNS)}")
        return _dataset(file, _csv_rows(file, rows))


def read_jsonl(root: Path) -> ReidDataset:
    """Anyone's own data, as JSON lines: {"split": "query", "path": "a.jpg", "pid": 7, "camid": 2}, as in a CSV file.

    `root` is the file, or a folder with a `dataset.jsonl`.

    Raises:
        FileNotFoundError, ValueError: as `read_csv` does.
    """
    file = _table(root, ".jsonl")
    return _dataset(file, _json_rows(file))


def read_listed(file: Path) -> Iterator[tuple[str, int, int]]:
    """Path, pid and camid of each row of a .csv or .jsonl table, in its order; −1 where there is none of a number.

    For images that need no labels: only the path must be there.

    Raises:
        FileNotFoundError: no such file, or a listed image does not exist.
        ValueError: there are no paths, or a number is none; the message names file and line.
    """
    if file.suffix == ".csv":
        lines = csv.DictReader(io.StringIO(_text(file), newline=""))
        if "path" not in (lines.fieldnames or ()):
            raise ValueError(
                f"{file}: no column path; its first line names {', '.join(lines.fieldnames or ['nothing'])}"
            )
        rows: Iterable[tuple[int, _Row]] = _csv_rows(file, lines)
    else:
        rows = _json_rows(file)
    for number, row in rows:
        try:
            path = os.path.join(file.parent, str(row["path"]))  # noqa: PTH118 - a million of them
            pid, camid = (_number_or_none(row, key) for key in ("pid", "camid"))
        except (KeyError, ValueError) as error:
            what = "no path" if isinstance(error, KeyError) else str(error)
            raise ValueError(f"{file}, line {number}: {what}") from None
        if not os.path.isfile(path):  # noqa: PTH113
            raise FileNotFoundError(f"{file}, line {number}: there is no file {path}")
        yield path, pid, camid


def _number_or_none(row: _Row, key: str) -> int:
    value = row.get(key)
    try:
        return -1 if value is None or value == "" else int(str(value))
    except ValueError:
        raise ValueError(f"{key} is {value!r}; it must be a whole number, or left out") from None


def write_csv(file: Path, dataset: ReidDataset) -> None:
    """Write `dataset` as such a table, paths relative to the file's folder.

    Raises:
        ValueError: an image lies elsewhere.
    """
    with_tracklets = any(record.tracklet is not None for records in dataset.splits.values() for record in records)
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    protocol = [] if dataset.protocol == "market1501" else [dataset.protocol]
    rows.writerow([*COLUMNS, *(["protocol"] if protocol else []), *(["tracklet"] if with_tracklets else [])])
    for split, records in dataset.splits.items():
        for r in records:
            tracklet = ["" if r.tracklet is None else r.tracklet] if with_tracklets else []
            rows.writerow([split, r.path.relative_to(file.parent).as_posix(), r.pid, r.camid, *protocol, *tracklet])
    file.write_bytes(text.getvalue().encode())


def _table(root: Path, suffix: str) -> Path:
    """The file that `root` is, or holds."""
    other = {".csv": ".jsonl", ".jsonl": ".csv"}[suffix]
    if root.is_file() and root.suffix.lower() == other:
        raise NotHereError(f"{root} is no {suffix} table; its reader is {other[1:]}")
    return root / f"dataset{suffix}" if root.is_dir() else root


def _text(file: Path) -> str:
    if not file.is_file():
        keys = "keys" if file.suffix == ".jsonl" else "columns"
        raise NotHereError(f"no table of images at {file}; write one with the {keys} {','.join(COLUMNS)}")
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
                raise ValueError(f"{file}, line {number}: no JSON: {error}") from None
            if not isinstance(row, dict):
                raise ValueError(f"{file}, line {number}: {line!r} is no object with {', '.join(COLUMNS)}")
            yield number, row


def _dataset(file: Path, rows: Iterable[tuple[int, _Row]]) -> ReidDataset:
    splits: dict[str, list[ImageRecord]] = {split: [] for split in _SPLITS}
    protocols: set[Protocol] = set()
    for number, row in rows:
        try:
            protocols.add(_protocol(row))
            splits[str(row["split"])].append(_record(file.parent, row))
        except (KeyError, TypeError, ValueError) as error:
            what = (
                f"no {error.args[0]}"
                if isinstance(error, KeyError) and error.args[0] in COLUMNS
                else f"{error!s} is wrong"
            )
            raise ValueError(
                f"{file}, line {number}: {what}; split is one of {', '.join(_SPLITS)}, "
                "pid and camid are whole numbers, pid not below −1"
            ) from None
    gone = [record.path for records in splits.values() for record in records if not record.path.is_file()]
    if gone:
        what = "is a folder" if gone[0].is_dir() else "does not exist"
        more = f", and {len(gone) - 1:,} more that are not there" if len(gone) > 1 else ""
        raise FileNotFoundError(f"{file} lists {gone[0]}, which {what}{more}")
    left_out: Counter[str] = Counter()
    listed = {os.path.normpath(record.path) for records in splits.values() for record in records}
    for folder in sorted({os.path.dirname(path) for path in listed}):  # noqa: PTH120 - of a normalised name
        if unlisted := sum(str(image) not in listed for image in list_images(Path(folder), Counter())):
            left_out["images beside those listed"] += unlisted
    train, query, gallery = (
        without_junk(splits[split], f"junk (pid −1) listed as {split}", left_out) for split in _SPLITS
    )
    if len(protocols) > 1:
        raise ValueError(f"{file} names several protocols, {', '.join(sorted(protocols))}; a dataset has one")
    protocol = protocols.pop() if protocols else "market1501"
    return ReidDataset(file.parent.absolute().name, file.parent, train, query, gallery, protocol, left_out)


def _record(folder: Path, row: _Row) -> ImageRecord:
    pid, camid = _whole("pid", row["pid"]), _whole("camid", row["camid"])
    if pid < JUNK:
        raise ValueError(f"pid {pid}")
    tracklet = row.get("tracklet")
    number = None if tracklet in (None, "") else _whole("tracklet", tracklet)
    if not isinstance(row["path"], str):
        raise ValueError(f"path {row['path']!r}")
    return ImageRecord(folder / row["path"], pid, camid, number)


def _protocol(row: _Row) -> Protocol:
    named = row.get("protocol") or "market1501"
    if named not in get_args(Protocol):
        raise ValueError(f"protocol {named!r}")
    return cast(Protocol, named)


def _whole(column: str, value: object) -> int:
    if not re.fullmatch(r"-?[0-9]+", str(value).strip()):
        raise ValueError(f"{column} {value!r}")
    return int(str(value))
