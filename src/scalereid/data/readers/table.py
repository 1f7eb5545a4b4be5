"""Anyone's own dataset, as a table: a CSV file or JSON lines."""

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from scalereid.data.readers.folders import list_images, without_junk
from scalereid.data.records import JUNK, ImageRecord, ReidDataset

COLUMNS = ("split", "path", "pid", "camid")
_SPLITS = ("train", "query", "gallery")
_Row = Mapping[str, object]


def read_csv(root: Path) -> ReidDataset:
    """Anyone's own data, listed in a CSV file with the columns split, path, pid and camid, in any order.

    `root` is the file, or a folder with a `dataset.csv`. `split` is train, query or gallery; paths are relative to the
    file's folder; pids and camids are whole numbers. A column tracklet, where there is one, numbers the sequences of a split
    that are found as one; empty for an image by itself. Rows keep the file's order. Any split may be empty. Pid −1 is junk,
    which is left out, 0 a distractor.

    Raises:
        FileNotFoundError: no such file, or a listed image does not exist.
        ValueError: a column is missing, or a cell cannot be read; the message names file, line and cell.
    """
    file = root / "dataset.csv" if root.is_dir() else root
    with io.StringIO(_text(file), newline="") as lines:
        rows = csv.DictReader(lines)
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise ValueError(f"{file}: no column {', '.join(missing)}; the first line must name {','.join(COLUMNS)}")
        return _dataset(file, ((rows.line_num, row) for row in rows))


def read_jsonl(root: Path) -> ReidDataset:
    """Anyone's own data, as JSON lines: {"split": "query", "path": "a.jpg", "pid": 7, "camid": 2}, as in a CSV file.

    `root` is the file, or a folder with a `dataset.jsonl`.

    Raises:
        FileNotFoundError, ValueError: as `read_csv` does.
    """
    file = root / "dataset.jsonl" if root.is_dir() else root
    return _dataset(file, _json_rows(file))


def write_csv(file: Path, dataset: ReidDataset) -> None:
    """Write `dataset` as such a table, paths relative to the file's folder.

    Raises:
        ValueError: an image lies elsewhere.
    """
    with_tracklets = any(record.tracklet is not None for records in dataset.splits.values() for record in records)
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow((*COLUMNS, "tracklet") if with_tracklets else COLUMNS)
    for split, records in dataset.splits.items():
        for r in records:
            row = (split, r.path.relative_to(file.parent).as_posix(), r.pid, r.camid)
            rows.writerow((*row, "" if r.tracklet is None else r.tracklet) if with_tracklets else row)
    file.write_bytes(text.getvalue().encode())


def _text(file: Path) -> str:
    if not file.is_file():
        raise FileNotFoundError(f"no table of images at {file}; write one with the columns {','.join(COLUMNS)}")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text: {error}") from None


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
    for number, row in rows:
        try:
            splits[str(row["split"])].append(_record(file.parent, row))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{file}, line {number}: {error!s} is wrong; split is one of {', '.join(_SPLITS)}, "
                "pid and camid are whole numbers, pid not below −1"
            ) from None
    for record in (record for records in splits.values() for record in records):
        if not record.path.is_file():
            raise FileNotFoundError(f"{file} lists {record.path}, which does not exist")
    left_out: Counter[str] = Counter()
    listed = {os.path.normpath(record.path) for records in splits.values() for record in records}
    for folder in sorted({os.path.dirname(path) for path in listed}):  # noqa: PTH120 - of a normalised name
        if unlisted := sum(str(image) not in listed for image in list_images(Path(folder), Counter())):
            left_out["images beside those listed"] += unlisted
    train, query, gallery = (
        without_junk(splits[split], f"junk (pid −1) listed as {split}", left_out) for split in _SPLITS
    )
    return ReidDataset(file.parent.absolute().name, file.parent, train, query, gallery, left_out=left_out)


def _record(folder: Path, row: _Row) -> ImageRecord:
    pid, camid = _whole("pid", row["pid"]), _whole("camid", row["camid"])
    if pid < JUNK:
        raise ValueError(f"pid {pid}")
    tracklet = row.get("tracklet")
    number = None if tracklet in (None, "") else _whole("tracklet", tracklet)
    if not isinstance(row["path"], str):
        raise ValueError(f"path {row['path']!r}")
    return ImageRecord(folder / row["path"], pid, camid, number)


def _whole(column: str, value: object) -> int:
    if not re.fullmatch(r"-?[0-9]+", str(value).strip()):
        raise ValueError(f"{column} {value!r}")
    return int(str(value))
