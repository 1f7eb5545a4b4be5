"""Files that are whole, old or new, whenever the machine stops."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write(file: Path, save: Callable[[Path], Any]) -> None:
    """Let `save` write a file beside `file`, flush it to the disk, then rename it.

    The name that `save` is given has the same suffix, since some libraries choose the format by it.
    """
    partial = file.with_name(f".{file.stem}.partial-{os.getpid()}{file.suffix}")
    try:
        save(partial)
        with partial.open("r+b") as written:
            os.fsync(written.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def write_json(file: Path, values: Any) -> None:
    """Write `values` as indented JSON."""
    write(file, lambda partial: partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8"))


def read_json(file: Path) -> Any:
    """The values in a JSON file.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is not JSON; the message names it.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is damaged: {error}") from error


def require_free(path: Path) -> None:
    """Refuse to write where something exists, before any work is done for it.

    Raises:
        FileExistsError: `path` is a file, or a folder that is not empty.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path} exists; choose another name, or move it away")
