"""A run: a directory with its recipe, its environment, its dataset, a log, and files that are never half written."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from scalereid.runs.recipe import Recipe


@dataclass(frozen=True)
class Run:
    """The files of one training, by name."""

    folder: Path

    @property
    def last(self) -> Path:
        """Weights after the last finished epoch."""
        return self.folder / "last.safetensors"

    @property
    def best(self) -> Path:
        """Weights of the evaluated epoch with the highest mAP."""
        return self.folder / "best.safetensors"

    @property
    def resume(self) -> Path:
        """All that a resumed training needs."""
        return self.folder / "resume.safetensors"

    @property
    def genotype(self) -> Path:
        """What a finished search found."""
        return self.folder / "genotype.json"

    @property
    def calibration(self) -> Path:
        """What its distances mean, once it is calibrated."""
        return self.folder / "calibration.json"

    @property
    def integers(self) -> Path:
        """The model in 8-bit integers for OpenVINO, once it is quantized."""
        return self.folder / "int8.xml"

    @property
    def log(self) -> Path:
        """One JSON object per epoch."""
        return self.folder / "log.jsonl"

    def recipe(self) -> Recipe:
        """The recipe of this run.

        Raises:
            FileNotFoundError: the folder is not a run.
            ValueError: the recipe was written by another version and does not fit.
        """
        file = self.folder / "recipe.json"
        if not file.is_file():
            raise FileNotFoundError(f"{self.folder} is not a run: it has no recipe.json")
        try:
            return Recipe.from_json(_read_json(file))
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from error

    def dataset(self) -> dict[str, Any]:
        """Name, folder, counts and fingerprint of what it was trained on."""
        values: dict[str, Any] = _read_json(self.folder / "dataset.json")
        return values

    def epochs(self) -> list[dict[str, Any]]:
        """The log, one entry per epoch."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.is_file() else []

    def append(self, entry: dict[str, Any]) -> None:
        """Add an epoch to the log, in place of an entry for the same or a later epoch that a resumed run left behind."""
        earlier = [other for other in self.epochs() if other["epoch"] < entry["epoch"]]
        lines = "".join(json.dumps(line) + "\n" for line in [*earlier, entry])
        write(self.log, lambda file: file.write_text(lines))


def require_free(folder: Path) -> None:
    """Refuse a folder for a new run before any work is done for it.

    Raises:
        FileExistsError: there is something in `folder` already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            f"{folder} exists; name another folder, or go on with it: scalereid train --resume {quote(str(folder))}"
        )


def create_run(
    folder: Path, recipe: Recipe, dataset: dict[str, Any], environment: dict[str, Any], own_code: Path | None = None
) -> Run:
    """A new run directory, there with all of recipe, dataset and environment or not at all.

    `own_code` is the file of a backbone that is not scalereid's: a copy lies in the run, so that later edits do not matter.

    Raises:
        FileExistsError: there is something in `folder` already.
    """
    require_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        new = Path(temporary) / folder.name
        new.mkdir()
        for name, values in (("environment", [environment]), ("dataset", dataset), ("recipe", recipe.to_json())):
            write_json(new / f"{name}.json", values)
        if own_code:
            shutil.copy(own_code, new / own_code.name)
        if folder.is_dir():
            folder.rmdir()  # empty
        new.rename(folder)
    return Run(folder)


def note_environment(run: Run, now: dict[str, Any]) -> list[str]:
    """Add the environment of a resumed run to its record; says what differs from where it was started."""
    file = run.folder / "environment.json"
    before = _read_json(file)
    write_json(file, [*before, now])
    keys = ("device", "torch", "numpy", "pillow", "threads")
    return [f"{key} is {now[key]}, was {before[0].get(key)}" for key in keys if now[key] != before[0].get(key)]


def write(file: Path, save: Callable[[Path], Any]) -> None:
    """Let `save` write a file beside `file`, then rename it: `file` is whole, old or new, whenever the machine stops."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        save(partial)
        with partial.open("r+b") as written:
            os.fsync(written.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def write_json(file: Path, values: Any) -> None:
    """Write `values`, readable and whole."""
    write(file, lambda partial: partial.write_text(json.dumps(values, indent=2) + "\n"))


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{file} is damaged: {error}") from error
