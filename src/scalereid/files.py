"""Atomic writes: a file or folder is complete or not there, even after a crash or power cut."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write(file: Path, save: Callable[[Path], Any]) -> None:
    """Write `file` atomically: `save` writes a temporary file beside it, which is flushed to disk and renamed.

    The temporary name has the same suffix, since some libraries choose the format by it.
    """
    partial = file.with_name(f".{file.stem}.partial-{os.getpid()}{file.suffix}")
    try:
        save(partial)
        with partial.open("r+b") as written:
            os.fsync(written.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def write_folder(folder: Path, fill: Callable[[Path], Any]) -> None:
    """Create `folder` atomically: `fill` creates and fills a temporary folder beside it, which is renamed.

    A folder that another process has created in the meantime is kept.

    Raises:
        OSError: The folder cannot be created.
    """
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    try:
        fill(partial)
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_json(file: Path, values: Any) -> None:
    """Write `values` as indented JSON."""
    write(file, lambda partial: partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8"))


def read_json(file: Path) -> Any:
    """Read the values in a JSON file.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is not JSON; the message names it.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is damaged: {error}") from error


def require_free(path: Path) -> None:
    """Check that nothing would be overwritten at `path`, before any work is done.

    Raises:
        FileExistsError: `path` is a file, or a folder that is not empty.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path} exists; choose another name, or move it away")
