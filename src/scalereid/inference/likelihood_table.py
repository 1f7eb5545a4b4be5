"""A table of likelihoods: path, and one column for each attribute, as a gallery reads it."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalereid.files import require_new_file, require_utf8, write
from scalereid.packages import require

_DIGITS = 6
_COLUMN = "attribute."  # what the names of the columns begin with, as in the tables that `gallery add` takes


def check_likelihood_table(file: Path) -> None:
    """Check that a table of images can be written to `file`, before any work is done.

    Raises:
        ValueError: It has another suffix than .csv, .jsonl or .parquet.
        FileExistsError: It exists.
        OSError: It cannot be written there.
        ModuleNotFoundError: pyarrow is not installed, for Parquet.
    """
    if file.suffix not in _WRITERS:
        raise ValueError(f"{file}: likelihoods are written to a .csv, .jsonl or .parquet file")
    require_new_file(file)
    if file.suffix == ".parquet":
        require("pyarrow", extra="parquet")


def check_names(file: Path, paths: Sequence[str]) -> None:
    """Check that a table of that suffix can hold these files' names.

    Raises:
        ValueError: One is not UTF-8, as all but JSON requires.
    """
    for path in () if file.suffix == ".jsonl" else paths:
        require_utf8(path, f"as {file.suffix} requires; rename it, or write .jsonl")


def write_likelihoods(file: Path, paths: Sequence[str], names: Sequence[str], likelihoods: NDArray[np.float32]) -> None:
    """Write likelihoods (n, attributes) of images as a .csv, .jsonl or .parquet table, whole or not at all.

    Its columns are `path` and `attribute.NAME`; paths are absolute, so that the table may be moved.

    Raises:
        ValueError: It has another suffix.
    """
    columns = ["path", *(f"{_COLUMN}{name}" for name in names)]
    absolute = [str(Path(path).absolute()) for path in paths]
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, lambda partial: _WRITERS[file.suffix](partial, columns, absolute, likelihoods))


def _write_csv(file: Path, columns: Sequence[str], paths: Sequence[str], likelihoods: NDArray[np.float32]) -> None:
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(columns)
    rows.writerows(
        [path, *(f"{value:.{_DIGITS}f}" for value in row)] for path, row in zip(paths, likelihoods, strict=True)
    )
    file.write_text(text.getvalue(), encoding="utf-8", newline="")


def _write_jsonl(file: Path, columns: Sequence[str], paths: Sequence[str], likelihoods: NDArray[np.float32]) -> None:
    numbers = np.round(likelihoods.astype(float), _DIGITS).tolist()
    rows = (dict(zip(columns, [path, *row], strict=True)) for path, row in zip(paths, numbers, strict=True))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _write_parquet(file: Path, columns: Sequence[str], paths: Sequence[str], likelihoods: NDArray[np.float32]) -> None:
    import pyarrow
    from pyarrow import parquet

    arrays = [pyarrow.array(paths), *(pyarrow.array(column) for column in np.ascontiguousarray(likelihoods.T))]
    parquet.write_table(pyarrow.Table.from_arrays(arrays, names=[*columns]), file)


_WRITERS: dict[str, Callable[[Path, Sequence[str], Sequence[str], NDArray[np.float32]], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
