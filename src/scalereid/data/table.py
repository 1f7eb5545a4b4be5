"""Anyone's own dataset, as a CSV file: `split,path,pid,camid`."""

import csv
import io
import re
from pathlib import Path

from scalereid.data.records import ImageRecord, ReidDataset

COLUMNS = ("split", "path", "pid", "camid")
_SPLITS = ("train", "query", "gallery")


def read_csv(root: Path) -> ReidDataset:
    """A dataset listed in a CSV file with the columns split, path, pid and camid, in any order.

    `root` is the file, or a folder with a `dataset.csv`. `split` is train, query or gallery; paths are relative to the
    file's folder; pids and camids are whole numbers. Rows keep the file's order. Any split may be empty.

    Raises:
        FileNotFoundError: no such file, or a listed image does not exist.
        ValueError: a column is missing, or a cell cannot be read; the message names file, line and cell.
    """
    file = root / "dataset.csv" if root.is_dir() else root
    if not file.is_file():
        raise FileNotFoundError(f"no table of images at {file}; write one with the columns {','.join(COLUMNS)}")
    splits: dict[str, list[ImageRecord]] = {split: [] for split in _SPLITS}
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text: {error}") from None
    with io.StringIO(text, newline="") as lines:
        rows = csv.DictReader(lines)
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise ValueError(f"{file}: no column {', '.join(missing)}; the first line must name {','.join(COLUMNS)}")
        for row in rows:
            try:
                splits[row["split"]].append(_record(file.parent, row))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{file}, line {rows.line_num}: {error!s} is wrong; split is one of {', '.join(_SPLITS)}, "
                    "pid and camid are whole numbers"
                ) from None
    for record in (record for records in splits.values() for record in records):
        if not record.path.is_file():
            raise FileNotFoundError(f"{file} lists {record.path}, which does not exist")
    train, query, gallery = (tuple(splits[split]) for split in _SPLITS)
    return ReidDataset(file.parent.absolute().name, file.parent, train, query, gallery)


def write_csv(file: Path, dataset: ReidDataset) -> None:
    """Write `dataset` as such a table, paths relative to the file's folder."""
    with file.open("w", newline="", encoding="utf-8") as lines:
        rows = csv.writer(lines)
        rows.writerow(COLUMNS)
        for split, records in dataset.splits.items():
            rows.writerows([split, r.path.relative_to(file.parent).as_posix(), r.pid, r.camid] for r in records)


def _record(folder: Path, row: dict[str, str]) -> ImageRecord:
    for column in ("pid", "camid"):
        if not re.fullmatch(r"-?\d+", (row[column] or "").strip()):
            raise ValueError(f"{column} {row[column]!r}")
    return ImageRecord(folder / row["path"], pid=int(row["pid"]), camid=int(row["camid"]))
