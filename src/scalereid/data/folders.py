"""What readers of official folders share: finding them, and reading people and cameras off file names."""

import re
from pathlib import Path

from scalereid.data.records import ImageRecord


def find_folder(root: Path, dataset: str, names: tuple[str, ...], parts: tuple[str, ...], *, hint: str = "") -> Path:
    """The first of `root` and the folders `names` within it that has all `parts`, files or folders, in it.

    Raises:
        FileNotFoundError: none has; the message says what each one lacks.
    """
    candidates = [root, *(root / name for name in names)]
    for candidate in candidates:
        if all((candidate / part).exists() for part in parts):
            return candidate
    problems = []
    for candidate in candidates:
        lacking = [part for part in parts if not (candidate / part).exists()]
        problems.append(f"{candidate} " + (f"lacks {', '.join(lacking)}" if candidate.is_dir() else "does not exist"))
    raise FileNotFoundError(f"no {dataset}:\n  " + "\n  ".join(problems) + (f"\n{hint}" if hint else ""))


def read_names(folder: Path, name: re.Pattern[str], dataset: str, example: str) -> tuple[ImageRecord, ...]:
    """The `.jpg` files of a folder, sorted by name, each with the pid and camid that the groups of `name` are.

    Raises:
        ValueError: a file's name does not match.
    """
    records = []
    for path in sorted(folder.glob("*.jpg")):
        match = name.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path}: not a {dataset} name, which looks like {example}")
        records.append(ImageRecord(path, pid=int(match["pid"]), camid=int(match["camid"])))
    return tuple(records)
