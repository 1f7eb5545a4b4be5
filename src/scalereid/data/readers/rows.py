"""Rows of tables of text, CSV files and JSON lines, each with its line; and whole numbers in them."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from reprlib import repr as shortened

from scalereid.data.records import fits_64_bits

Row = Mapping[str, object]
TABLES = (".csv", ".jsonl")
"""Suffixes of such tables, which may be in upper case."""
BOX = ("left", "top", "right", "bottom")
"""Columns for the part of a picture that shows a person, in pixels."""
_SHOWN = 200  # characters of a line
_LONGEST = 20  # digits and sign of a number of 64 bits


def csv_rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Yield the number of the last line and the cells of each row of a CSV file, by the columns' names.

    Raises:
        ValueError: One of `columns` is missing, two columns have one name, or it is not a CSV file in UTF-8; the message names
            file and line.
    """
    rows = csv.DictReader(io.StringIO(text_of(file), newline=""))
    try:
        names = rows.fieldnames or []
        if missing := [column for column in columns if column not in names]:
            named = ", ".join(names)[:_SHOWN] or "no columns"
            raise ValueError(
                f"{file} has no column {', '.join(missing)}; its first line names {named}; expected {','.join(columns)}"
            )
        if twice := sorted({name for name in names if name and names.count(name) > 1}):
            raise ValueError(f"{file} has two columns {twice[0]}; name each column once")
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise ValueError(f"{file}, line {rows.line_num + 1}: {error}; is a quotation mark left open?") from None


def csv_line(cells: Iterable[object]) -> str:
    """A line of a CSV file without its end, which may be LF or CR LF: a cell with either of them is in quotation marks."""
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n")


def json_rows(file: Path, keys: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Yield the number and the object of each line of a file of JSON lines, but for empty ones.

    Lines end in LF, CR or both; other characters that end a line in Unicode may stand in a text.

    Raises:
        ValueError: A line is not an object in JSON, with `keys`, say; the message names file and line.
    """
    for number, line in enumerate(io.StringIO(text_of(file), newline=None), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except RecursionError:
                raise ValueError(f"{file}, line {number}: nested too deeply; expected an object") from None
            except ValueError as error:  # also of numbers of thousands of digits
                raise ValueError(f"{file}, line {number}: not valid JSON: {error}") from None
            if not isinstance(row, dict):
                raise ValueError(
                    f"{file}, line {number}: {shortened(line.strip())} is not an object with {', '.join(keys)}"
                )
            yield number, row


def table_rows(file: Path, names: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """The rows of a table that is a CSV file or JSON lines, as its suffix says, with the columns or keys `names`.

    Raises:
        ValueError: As `csv_rows` and `json_rows` raise.
    """
    return csv_rows(file, names) if file.suffix.lower() == ".csv" else json_rows(file, names)


def check_cells(row: Row) -> None:
    """Check that a row of a CSV file has no cell without a column, as after a comma too many.

    Raises:
        ValueError: It has.
    """
    if None in row:
        raise ValueError("it has more cells than the first line has columns")


def on_line(file: Path, number: int, error: Exception) -> ValueError:
    """An error in a row, named after its file and line; a KeyError is of a cell that is missing."""
    what = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
    return ValueError(f"{file}, line {number}: {what}")


def whole_number(column: str, value: object) -> int:
    """The number in a cell.

    Raises:
        ValueError: It is not a whole number of at most 64 bits; the message names column and value.
    """
    digits = str(value).strip()
    if not re.fullmatch(r"-?[0-9]+", digits):
        raise ValueError(f"{column} is {shortened(value)}; it must be a whole number")
    number = int(digits) if len(digits) <= _LONGEST else None  # Python reads no number of thousands of digits
    if number is None or not fits_64_bits(number):
        raise ValueError(f"{column} is {shortened(value)}; it must be a whole number that fits into 64 bits")
    return number


def text_of(file: Path) -> str:
    """The text of a file, its line ends as they are.

    Raises:
        ValueError: It is not UTF-8; the message names the file.
    """
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text: {error}; save it as UTF-8") from None
