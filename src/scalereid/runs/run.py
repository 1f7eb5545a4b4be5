"""A run: a directory with its recipe, environment, datasets, log and weights, none of them ever half written."""

import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scalereid.files import read_json, require_free, write, write_json
from scalereid.process import Environment
from scalereid.runs.facts import RunDatasets
from scalereid.runs.log import EpochLog
from scalereid.runs.recipe import Recipe
from scalereid.runs.saved_recipe import SavedRecipe


class _File:
    """A file of a run: its path, from its name in the run's folder."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, run: "Run", _: type["Run"]) -> Path:
        return run.folder / self.name


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
    state = _File("resume.safetensors")
    """The whole state of the training, to resume from."""
    log_file = _File("log.jsonl")
    """One JSON object per epoch."""
    per_query = _File("per_query.npz")
    """The scores of each query after the last epoch, for later comparisons."""
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
        return SavedRecipe(json.dumps(read_json(self.recipe_file)))

    def replace_recipe(self, recipe: Recipe, *, epoch: int) -> None:
        """Train by `recipe` after `epoch` finished epochs, and keep the recipe before in the history."""
        before = read_json(self.recipe_file)
        history = read_json(self.history) if self.history.is_file() else []
        if not history or history[-1]["recipe"] != before:  # else it was killed between the two files
            write_json(self.history, [*history, {"epoch": epoch, "recipe": before}])
        write_json(self.recipe_file, recipe.to_json())

    def dataset(self) -> RunDatasets:
        """The datasets it was trained and scored on.

        Raises:
            ValueError: The file is damaged, or was written by another version.
        """
        file = self.folder / "dataset.json"
        try:
            return RunDatasets.from_json(read_json(file))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{file} does not fit this version of scalereid; train the run again") from error

    def log(self) -> list[EpochLog]:
        """The log, one entry per epoch; empty before the first."""
        if not self.log_file.is_file():
            return []
        return [EpochLog.from_json(json.loads(line)) for line in self.log_file.read_text().splitlines()]

    def append(self, entry: EpochLog) -> None:
        """Add an epoch to the log; replaces entries for the same and later epochs, which a resumed run left behind."""
        entries = [*(earlier for earlier in self.log() if earlier.epoch < entry.epoch), entry]
        lines = "".join(json.dumps(each.to_json()) + "\n" for each in entries)
        write(self.log_file, lambda file: file.write_text(lines))


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
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        new = Path(temporary) / folder.name
        new.mkdir()
        write_json(new / "environment.json", [environment.to_json()])
        write_json(new / "dataset.json", datasets.to_json())
        write_json(new / "recipe.json", recipe.to_json())
        for file in own_code:
            if (new / file.name).exists():
                raise ValueError(
                    f"Two files that the recipe names are called {file.name}, but both are copied into the run; rename one"
                )
            shutil.copy(file, new / file.name)
        if folder.is_dir():
            folder.rmdir()  # empty
        new.rename(folder)
    return Run(folder)


def note_environment(run: Run, now: Environment) -> list[str]:
    """Add the environment of a resumed run to its record; returns what differs from where it was started."""
    file = run.folder / "environment.json"
    before = read_json(file)
    write_json(file, [*before, now.to_json()])
    first, current = before[0], now.to_json()
    keys = ("device", "torch", "numpy", "pillow", "threads")
    return [f"{key} is {current[key]}, was {first.get(key)}" for key in keys if current[key] != first.get(key)]
