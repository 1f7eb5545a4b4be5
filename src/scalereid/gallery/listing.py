"""A table of pictures of people, as a detector or a tracker writes it: where, when and in which part of a picture."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scalereid.data.readers.rows import BOX, check_cells, csv_line, on_line, table_rows
from scalereid.files import require_utf8, write
from scalereid.gallery.sightings import Seen
from scalereid.typed_json import from_json

_ATTRIBUTE = "attribute."


def read_listed_sightings(file: Path) -> list[Seen]:
    """The rows of a .csv or .jsonl table, in its order. Only `path` is required; a picture may be listed for several people.

    Other columns are `camera` (or `camid`), `time` in ISO 8601 (UTC where it names no zone), `track`, `left`, `top`, `right`
    and `bottom` of the person in pixels, and likelihoods of attributes as `attribute.bag`. In JSON lines `box` may be a list
    of four numbers, and `attributes` an object. Paths are relative to the table's folder.

    Raises:
        FileNotFoundError: A picture does not exist.
        ValueError: A cell cannot be read; the message names file, line and what is wrong.
    """
    found = []
    for line, row in table_rows(file, ["path"]):
        try:
            check_cells(row)
            seen = _seen(file.parent, {name: value for name, value in row.items() if value not in (None, "")})
        except (KeyError, ValueError) as error:
            raise on_line(file, line, error) from None
        if not Path(seen.source).is_file():
            raise FileNotFoundError(f"{file}, line {line}: {seen.source} does not exist")
        found.append(seen)
    if not found:
        raise FileNotFoundError(f"{file} lists no pictures")
    return found


def write_listed_sightings(file: Path, seen: Sequence[Seen], scores: Sequence[float]) -> None:
    """Write a .csv or .jsonl table of people in pictures, which `read_listed_sightings` reads.

    It has their cameras, times and boxes, and as `score` how sure a detector was of each. A path that is relative is written
    from the table's folder.

    Raises:
        ValueError: The file has another suffix.
        OSError: It cannot be written.
    """
    check_listing(file)
    folder = file.parent.resolve()  # `..` leads out of a folder's own place, not out of a link's
    rows = [_row(folder, one, score) for one, score in zip(seen, scores, strict=True)]

    def save(partial: Path) -> None:
        with partial.open("w", encoding="utf-8", newline="") as text:
            if file.suffix == ".csv":
                names = ("path", "camera", "time", *BOX, "score")
                cells = (row | dict(zip(BOX, row.get("box", ()), strict=False)) for row in rows)
                lines = [names, *([each.get(name, "") for name in names] for each in cells)]
                text.writelines(f"{csv_line(line)}\n" for line in lines)
            else:
                text.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, save)


def check_listing(file: Path) -> None:
    """Check that a table can have that name, before any work is done.

    Raises:
        ValueError: It has another suffix than .csv or .jsonl.
    """
    if file.suffix not in (".csv", ".jsonl"):
        raise ValueError(f"{file}: a table of people is written to a .csv or .jsonl file")


def check_names(pictures: Iterable[str]) -> None:
    """Check that a table can hold the names of these pictures, before any work is done.

    Raises:
        ValueError: One is not UTF-8.
    """
    for picture in pictures:
        require_utf8(picture, "as a table of people requires; rename it")


def _row(folder: Path, one: Seen, score: float) -> dict[str, Any]:
    """A person as JSON; what is not known is left out."""
    path = Path(one.source)
    known = {
        "path": str(path if path.is_absolute() else os.path.relpath(path, folder)),
        "camera": one.camera,
        "time": one.time and one.time.isoformat(),
        "box": one.box,
        "score": score,
    }
    return {name: value for name, value in known.items() if value not in (None, "")}


def _seen(folder: Path, row: Mapping[str, Any]) -> Seen:
    if not isinstance(row["path"], str):
        raise ValueError(f"path is {json.dumps(row['path'])}; it must be text")
    return Seen(
        source=str(folder / row["path"]),
        camera=str(row.get("camera", row.get("camid", ""))),
        time=_time(row["time"]) if "time" in row else None,
        box=_box(row),
        track=str(row.get("track", "")),
        attributes=_attributes(row),
    )


def _time(value: Any) -> datetime:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"time is {value!r}; it must be like 2026-11-01T13:05:20") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _box(row: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    if "box" in row:
        found = from_json(tuple[float, float, float, float], row["box"], "box")
    elif any(side in row for side in BOX):
        if missing := [side for side in BOX if side not in row]:
            raise KeyError(missing[0])
        found = row["left"], row["top"], row["right"], row["bottom"]
    else:
        return None
    left, top, right, bottom = (_number(side, value) for side, value in zip(BOX, found, strict=True))
    box = left, top, right, bottom  # as floats, however they are written: the digest of a sighting is of their text
    if not (left < right and top < bottom):
        raise ValueError(f"the box is {box}; expected left < right and top < bottom")
    return box


def _attributes(row: Mapping[str, Any]) -> dict[str, float]:
    named = {name.removeprefix(_ATTRIBUTE): value for name, value in row.items() if name.startswith(_ATTRIBUTE)}
    found = {name: _number(f"{_ATTRIBUTE}{name}", value) for name, value in named.items()}
    found |= from_json(dict[str, float], row.get("attributes", {}), "attributes")
    for name, value in found.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{_ATTRIBUTE}{name} is {value}; expected a likelihood from 0 to 1")
    return found


def _number(column: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{column} is {value!r}; it must be a number") from None
