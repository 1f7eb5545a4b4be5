"""A run: a directory with its recipe, environment, datasets, log and weights, none of them ever half written."""

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from scalereid.files import create_folder, file_name, read_json, require_free, write, write_json
from scalereid.process import Environment
from scalereid.runs.facts import RunDatasets
from scalereid.runs.log import EpochLog
from scalereid.runs.recipe import Recipe
from scalereid.runs.saved_recipe import SavedRecipe
from scalereid.typed_json import from_json, parse


class _File:
    """A file of a run: its path, from its name in the run's folder."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, run: "Run", _: type["Run"]) -> Path:
        return run.folder / self.name


class _Former(NamedTuple):
    """A recipe that was replaced by another."""

    epoch: int
    """Number of epochs done by then."""
    recipe: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """The files of one training, by name."""

    folder: Path

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    recipe_file = _File("recipe.json")
    """Every setting that decides the result."""
    history = _File("history.json")
    """The recipes before this one of a run that was extended, and the number of epochs done when each was replaced."""
    last = _File("last.safetensors")
    """Weights after the last finished epoch."""
    best = _File("best.safetensors")
    """Weights of the evaluated epoch with the best score, by the recipe's `evaluation.best`."""
    peer = _File("peer.safetensors")
    """In mutual learning, the peer's weights after the last finished epoch."""
    both = _File("both.safetensors")
    """In mutual learning, those of both networks as one, whose embeddings are theirs side by side."""
    state = _File("resume.safetensors")
    """The whole state of the training, to resume from."""
    log_file = _File("log.jsonl")
    """One JSON object per epoch."""
    per_query = _File("per_query.npz")
    """The scores of each query after the last epoch, for later comparisons."""

    def per_query_on(self, also: str) -> Path:
        """The same, on a dataset of the recipe's `evaluation.also`."""
        return self.folder / f"per_query.{file_name(also)}.npz"

    genotype = _File("genotype.json")
    """What a finished search found."""
    calibration = _File("calibration.json")
    """What its distances mean, once it is calibrated."""
    int8 = _File("int8.xml")
    """The model in int8 for OpenVINO, once it is quantized."""

    @property
    def exists(self) -> bool:
        """Whether the folder is a run."""
        return self.recipe_file.is_file()

    def recipe(self) -> Recipe:
        """The recipe of this run, which it can be trained further by.

        Raises:
            FileNotFoundError: The folder is not a run.
            ValueError: The recipe was written by another version and does not fit.
        """
        saved = self.saved_recipe()
        try:
            return saved.whole()
        except ValueError as error:
            raise ValueError(
                f"{self.recipe_file}: {error}. Another version of scalereid may have written it; this one can use the model, "
                "but not train it further"
            ) from error

    def saved_recipe(self) -> SavedRecipe:
        """The recipe of this run, as far as its model needs it.

        Raises:
            FileNotFoundError: The folder is not a run.
            ValueError: The file is damaged.
        """
        if not self.exists:
            raise FileNotFoundError(f"{self.folder} is not a run: recipe.json is missing")
        values = read_json(self.recipe_file)
        with _naming(self.recipe_file):
            return SavedRecipe(json.dumps(from_json(dict[str, Any], values, "recipe")))

    def replace_recipe(self, recipe: Recipe, *, epoch: int) -> None:
        """Train by `recipe` after `epoch` finished epochs, and keep the recipe before in the history.

        Raises:
            ValueError: The history is damaged.
        """
        before = read_json(self.recipe_file)
        values = read_json(self.history) if self.history.is_file() else []
        with _naming(self.history):
            history: tuple[_Former, ...] = from_json(tuple[_Former, ...], values, "history")
        if not history or history[-1].recipe != before:  # else it was killed between the two files
            write_json(self.history, [each._asdict() for each in (*history, _Former(epoch, before))])
        write_json(self.recipe_file, recipe.to_json())

    def dataset(self) -> RunDatasets:
        """The datasets it was trained and scored on.

        Raises:
            ValueError: The file is damaged, or was written by another version.
        """
        file = self.folder / "dataset.json"
        values = read_json(file)
        with _naming(file):
            return RunDatasets.from_json(values)

    def note_datasets(self, datasets: RunDatasets) -> None:
        """Write what it is trained and scored on, and where that is."""
        write_json(self.folder / "dataset.json", datasets.to_json())

    def environments(self) -> tuple[Environment, ...]:
        """Where it was started, and resumed.

        Raises:
            FileNotFoundError, ValueError: As `dataset` raises.
        """
        file = self.folder / "environment.json"
        values = read_json(file)
        with _naming(file):
            found: tuple[Environment, ...] = from_json(tuple[Environment, ...], values, "environment")
            if not found:
                raise ValueError("it is empty")
            return found

    def log(self) -> list[EpochLog]:
        """The log, one entry per epoch; empty before the first.

        Raises:
            ValueError: The file is damaged; the message names the line.
        """
        if not self.log_file.is_file():
            return []
        entries = []
        for number, line in enumerate(self.log_file.read_bytes().splitlines(), 1):
            with _naming(self.log_file, number):
                entries.append(EpochLog.from_json(parse(line)))
        return entries

    def drop_cut_line(self) -> str:
        """Remove the last line of the log if it was cut off; returns the sentence that says so, empty for none.

        The file is written whole or not at all: only another program, or a damaged disk, can have cut it.
        """
        text = self.log_file.read_bytes() if self.log_file.is_file() else b""
        *whole, last = text.splitlines() or [b""]
        try:
            parse(last or b"0")
        except ValueError:
            write(self.log_file, lambda file: file.write_bytes(b"".join(line + b"\n" for line in whole)))
            return f"{self.log_file}: line {len(whole) + 1}, the last, was cut off and is dropped"
        return ""

    def append(self, entry: EpochLog) -> None:
        """Add an epoch to the log; replaces entries for the same and later epochs, which a resumed run left behind."""
        entries = [*(earlier for earlier in self.log() if earlier.epoch < entry.epoch), entry]
        lines = "".join(json.dumps(each.to_json()) + "\n" for each in entries)
        write(self.log_file, lambda file: file.write_text(lines))


@contextmanager
def _naming(file: Path, line: int | None = None) -> Iterator[None]:
    """Let an error name the file, and the line."""
    try:
        yield
    except ValueError as error:
        where = f"{file}, line {line}" if line else str(file)
        raise ValueError(f"{where} is damaged, or was written by another version of scalereid: {error}") from error


def create_run(
    folder: Path, recipe: Recipe, datasets: RunDatasets, environment: Environment, own_code: Iterable[Path] = ()
) -> Run:
    """A new run directory, there with recipe, datasets and environment or not at all.

    `own_code` are Python files that the recipe names. They are copied into the run, so that later edits do not matter.

    Raises:
        FileExistsError: Something exists at `folder`.
        ValueError: Two of these files have the same name.
    """
    require_free(folder)

    def fill(new: Path) -> None:
        new.mkdir()
        write_json(new / "environment.json", [environment.to_json()])
        Run(new).note_datasets(datasets)
        write_json(new / "recipe.json", recipe.to_json())
        for file in own_code:
            if (new / file.name).exists():
                raise ValueError(
                    f"Two files that the recipe names are called {file.name}, but both are copied into the run; rename one"
                )
            shutil.copy(file, new / file.name)

    folder.parent.mkdir(parents=True, exist_ok=True)
    create_folder(folder, fill)
    return Run(folder)


def note_environment(run: Run, now: Environment) -> list[str]:
    """Add the environment of a resumed run to its record; returns what differs from where it was started."""
    before = run.environments()
    write_json(run.folder / "environment.json", [each.to_json() for each in (*before, now)])
    first, current = before[0].to_json(), now.to_json()
    keys = ("device", "torch", "numpy", "pillow", "threads", "processes")
    return [f"{key} is {current[key]}, was {first[key]}" for key in keys if current[key] != first[key]]
