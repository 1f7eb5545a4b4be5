"""Empty files with real names: readers look at names only."""

from collections.abc import Iterable
from pathlib import Path


def touch(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
