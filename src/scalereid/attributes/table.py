"""A table of attributes: which person, or which image, has which of them."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shortened
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalereid.data.readers.rows import Row, check_cells, csv_rows, on_line, whole_number
from scalereid.data.records import ImageRecord

UNKNOWN = -1
"""In place of 1 (has it) and 0 (has it not) where nobody said; counts in no loss and in no score."""

Key = int | str
_CELLS = {"1": 1, "0": 0, "": UNKNOWN}


class AttributeLabels(NamedTuple):
    """The attributes of some images."""

    names: tuple[str, ...]
    values: NDArray[np.int8]
    """(n, attributes): 1, 0 or `UNKNOWN`."""


@dataclass(frozen=True, eq=False)
class AttributeTable:
    """Attributes of people, by pid, or of images, by path."""

    names: tuple[str, ...]
    rows: Mapping[Key, Sequence[int]]
    """By pid, or by the absolute path of the image: for each attribute 1, 0 or `UNKNOWN`."""

    @property
    def by_person(self) -> bool:
        """True if it is of people rather than of single images."""
        return all(isinstance(key, int) for key in self.rows)

    def of(self, records: Sequence[ImageRecord]) -> AttributeLabels:
        """The attributes of each record; `UNKNOWN` for those that are not in the table."""
        unknown, by_person = [UNKNOWN] * len(self.names), self.by_person
        found = [self.rows.get(r.pid if by_person else path_key(r.path), unknown) for r in records]
        return AttributeLabels(self.names, np.array(found, np.int8).reshape(len(records), len(self.names)))

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when a name or a value does.

        Of images only the names of the files count, so that a moved folder has the same fingerprint.
        """
        digest = hashlib.sha256(repr(self.names).encode())
        for key, row in self.rows.items():
            digest.update(f"{key if isinstance(key, int) else Path(key).name}\t{[*map(int, row)]}\n".encode())
        return digest.hexdigest()[:12]


def read_attributes_csv(file: Path) -> AttributeTable:
    """Your own attributes: a CSV file with a column `pid` or `path`, and one column for each attribute.

    A cell is 1 where the person or the image has the attribute, 0 where not, and empty where that is not known. Paths are
    relative to the file's folder.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It has both or none of the two columns, or no attribute; or a cell cannot be read, or a person or an image
            is listed twice. The message names file, line and cell.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist; expected a CSV file with a column pid or path, and attributes")
    rows: dict[Key, Sequence[int]] = {}
    names: tuple[str, ...] = ()
    for line, row in csv_rows(file, []):
        key = _key_column(file, row)
        names = names or tuple(name for name in row if name not in (None, key))
        if not all(names):
            raise ValueError(f"{file} has a column without a name; name the attribute, or remove the column")
        if not names:
            raise ValueError(f"{file} has no column beside {key}; add one for each attribute")
        try:
            check_cells(row)
            if not row[key]:
                raise ValueError(f"{key} is empty; say whose row it is")
            who: Key = whole_number(key, row[key]) if key == "pid" else path_key(file.parent / str(row[key]))
            if who in rows:
                raise ValueError(f"{key} {row[key]} is listed twice; list it once")
            rows[who] = [_cell(name, row[name]) for name in names]
        except ValueError as error:
            raise on_line(file, line, error) from None
    if not rows:
        raise ValueError(f"{file} has no rows")
    return AttributeTable(names, rows)


def positive_shares(values: NDArray[np.int8]) -> NDArray[np.float64]:
    """Share of images (n, attributes) that have each attribute, of those of which it is known; 0 where it is known of none."""
    shares: NDArray[np.float64] = (values == 1).sum(axis=0) / np.maximum((values != UNKNOWN).sum(axis=0), 1)
    return shares


def require_known(labels: AttributeLabels, what: str) -> None:
    """Check that an attribute is known of one of `what`, such as "training images".

    Raises:
        ValueError: None is.
    """
    if not (labels.values != UNKNOWN).any():
        raise ValueError(
            f"no attribute is known of any of the {len(labels.values):,} {what}; is the table of another dataset?"
        )


def _key_column(file: Path, row: Row) -> str:
    keys = [name for name in ("pid", "path") if name in row]
    if len(keys) != 1:
        given = " and ".join(keys) or "neither"
        raise ValueError(
            f"{file} has {given} of the columns pid and path; expected one of them, which says whose row it is"
        )
    return keys[0]


def _cell(name: str, cell: object) -> int:
    text = str(cell or "").strip()
    if text not in _CELLS:
        raise ValueError(f"{name} is {shortened(text)}; it must be 1, 0 or empty (unknown)")
    return _CELLS[text]


def path_key(path: Path) -> str:
    """What a table of images has in place of the path of one."""
    return os.path.abspath(path)  # noqa: PTH100 - Path.absolute keeps `..`, and resolve follows links
