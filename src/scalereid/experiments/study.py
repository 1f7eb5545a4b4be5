"""A study: many runs and one table. Rows (a recipe and changes) × seeds × splits."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import TypeVar

from scalereid.arguments import check_kind, check_whole
from scalereid.data.names import numbered_splits
from scalereid.data.readers import SPLITS
from scalereid.experiments.kept_results import KeptResults
from scalereid.experiments.rows import Changes, Row, StudyRun
from scalereid.experiments.study_checks import check_code, check_datasets, is_finished
from scalereid.experiments.study_results import CLASS_METRICS
from scalereid.experiments.study_table import Command, StudyTable, tabulate
from scalereid.experiments.workers import Job, run_at_once, run_one_by_one
from scalereid.files import file_name, require_writable
from scalereid.locks import locked
from scalereid.lookup import run_file
from scalereid.process import choose_device
from scalereid.progress import Progress
from scalereid.retrieval.scores import RANKS
from scalereid.runs.recipe import LARGEST_SEED, Recipe
from scalereid.training.loop import Interrupted
from scalereid.wording import counted

__all__ = ["Changes", "Row", "Study", "StudyTable", "leave_one_out", "load_study", "over_splits", "run_study"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Study:
    """Runs to compare. Everything is checked when it is made, so that a wrong setting is found before the first hour.

    Raises:
        ValueError: A recipe, setting, value or name does not fit; the message names the row.
    """

    rows: Mapping[str, Row]
    """The rows of the table, by name."""
    seeds: Sequence[int] = (0, 1, 2)
    """Seeds of the trainings; each row is trained once with each."""
    splits: Mapping[str, Changes] = field(default_factory=dict)
    """The splits of the data, by name: the settings that choose each. Each row is trained on each. Empty for one split."""
    baseline: str = ""
    """The row that the others are compared with. Defaults to the first."""
    metric: str = "mAP"
    """The score that is compared: mAP, rank-1, rank-5, …; top-1 or top-5 for rows that classify."""

    def __post_init__(self) -> None:
        _check_named("rows", self.rows, Row)
        _check_named("splits", self.splits, Mapping)
        if not self.rows:
            raise ValueError("rows is empty; expected at least one row")
        check_kind("seeds", self.seeds, Sequence)
        for seed in self.seeds:
            check_whole("a seed", seed, 0, LARGEST_SEED)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds is {tuple(self.seeds)}; expected one or more different seeds")
        if self.baseline and self.baseline not in self.rows:
            raise ValueError(f"baseline is {self.baseline!r}; expected one of the rows: {', '.join(self.rows)}")
        if self.metric not in ("mAP", *(f"rank-{k}" for k in range(1, RANKS + 1)), *CLASS_METRICS):
            raise ValueError(
                f"metric is {self.metric!r}; expected mAP, rank-1, rank-5, … up to rank-{RANKS}, which each query has, or "
                f"{' or '.join(CLASS_METRICS)}, for rows that classify"
            )
        object.__setattr__(self, "baseline", self.baseline or next(iter(self.rows)))
        numbers = {len(run.recipe.evaluation.also): run.name for run in self.runs()}
        if len(numbers) > 1:
            named = ", ".join(f"{number} in {run}" for number, run in numbers.items())
            raise ValueError(f"evaluation.also names {named}; expected the same number of datasets in every run")

    def runs(self) -> list[StudyRun]:
        """Every run, seed by seed, so that a study that was stopped early has compared all its rows."""
        each = product(self.seeds, self.rows, self.splits or [""])
        return [self._run(name, seed, split) for seed, name, split in each]

    def only(self, *, rows: Sequence[str] = (), seeds: Sequence[int] = (), splits: Sequence[str] = ()) -> "Study":
        """The study of these rows, seeds and splits alone; of all where none are given.

        Raises:
            ValueError: There is no such row, seed or split.
        """
        rows = _chosen("row", rows, [*self.rows])
        return replace(
            self,
            rows={name: self.rows[name] for name in rows},
            seeds=_chosen("seed", seeds, self.seeds),
            splits={name: self.splits[name] for name in _chosen("split", splits, [*self.splits])},
            baseline=self.baseline if self.baseline in rows else rows[0],
        )

    def _run(self, name: str, seed: int, split: str) -> StudyRun:
        row, chosen = self.rows[name], self.splits.get(split, {})
        try:
            if both := sorted(row.changes.keys() & chosen.keys()):
                raise ValueError(f"{', '.join(both)} is among the changes, but the splits of the study choose it")
            settings = Row(row.base, {**row.changes, **chosen})
            return StudyRun(name, int(seed), split, settings, replace(settings.recipe(), seed=int(seed)))
        except ValueError as error:
            raise ValueError(f"row {name!r}: {error}") from error


def leave_one_out(
    base: str | Recipe, datasets: Sequence[str], changes: Changes | None = None, *, seeds: Sequence[int] = (0, 1, 2)
) -> Study:
    """A study of one row that trains on all datasets but one and is scored on that one, for each of them.

    To compare several rows so, pass its `splits` to a `Study`.

    Raises:
        ValueError: There are fewer than two datasets, or one is given twice.
    """
    if len(datasets) < 2 or len(set(datasets)) < len(datasets):
        raise ValueError(f"datasets is {list(datasets)}; expected two or more different datasets")
    sources = {target: "+".join(name for name in datasets if name != target) for target in datasets}
    splits = {target: {"data.dataset": sources[target], "evaluation.dataset": target} for target in datasets}
    return Study(rows=_one_row(base, changes), seeds=seeds, splits=splits)


def over_splits(
    base: str | Recipe, dataset: str, changes: Changes | None = None, *, seeds: Sequence[int] = (0,)
) -> Study:
    """A study of one row that trains and is scored on each split of a dataset, as VIPeR and other small ones are.

    To compare several rows so, pass its `splits` to a `Study`.

    Raises:
        ValueError: The dataset has one split only.
    """
    names = numbered_splits(dataset)
    if names == [dataset]:
        raise ValueError(f"{dataset} has one split; expected a dataset with several: {', '.join(SPLITS)}")
    splits = {name: {"data.dataset": name, "evaluation.dataset": ""} for name in names}
    return Study(rows=_one_row(base, changes), seeds=seeds, splits=splits)


def load_study(file: str | Path) -> Study:
    """The value STUDY of a Python file, which is run.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It fails, or does not define STUDY, or not a right one.
    """
    if not Path(file).is_file():
        raise FileNotFoundError(f"{file} does not exist; expected a Python file that defines STUDY")
    values = run_file(Path(file))
    if "STUDY" not in values:
        raise ValueError(f"{file} does not define STUDY, a scalereid.Study")
    study = values["STUDY"]
    if not isinstance(study, Study):
        raise ValueError(f"{file} defines STUDY as {study!r}; expected a scalereid.Study")
    return study


def _one_row(base: str | Recipe, changes: Changes | None) -> dict[str, Row]:
    return {base if isinstance(base, str) else "recipe": Row(base, changes or {})}


def _chosen(what: str, names: Sequence[T], known: Sequence[T]) -> Sequence[T]:
    """Those of a study's rows, seeds or splits that are named; all where none is."""
    if unknown := [name for name in names if name not in known]:
        has = ", ".join(map(repr, known)) or f"no {what}s"
        raise ValueError(f"No such {what}: {unknown[0]!r}. The study has {has}.")
    return names or known


def _check_named(what: str, values: Mapping[str, object], kind: type) -> None:
    """Check that `values` are all of a kind, and that their names are texts and make different folders."""
    check_kind(what, values, Mapping)
    seen: dict[str, str] = {}
    for name, value in values.items():
        check_kind(f"{what}: a name", name, str)
        check_kind(f"{what}[{name!r}]", value, kind)
        key = file_name(name).lower()  # on some file systems the same
        if not key:
            raise ValueError(f"{what}: {name!r} cannot be the name of a folder; use letters or digits")
        if key in seen:
            raise ValueError(f"{what}: {seen[key]!r} and {name!r} would have the same folder; rename one")
        seen[key] = name


def run_study(
    study: Study,
    *,
    data: str | Path,
    out: str | Path,
    jobs: int = 1,
    device: str = "auto",
    results: str | Path | None = None,
    command: Command | None = None,
    progress: Progress | None = None,
) -> StudyTable:
    """Train the runs of a study that are missing, and write its table.

    A run is in `out`/ROW/seed-N, or `out`/ROW/seed-N/SPLIT. Finished ones are kept, stopped ones resumed, also if this
    process or the machine was killed: the same call continues. An error in one run does not stop the others.

    Args:
        study: What to train.
        data: The folder of the datasets.
        out: A folder for the runs, and for `table.md` and `table.json`.
        jobs: Number of runs trained at the same time, each in a process of its own with its share of the threads, its
            output in a .log file beside its folder. The number of threads changes the last digits of weights.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, …
        results: A .json file to which the results of finished runs are added. Those in it already are not trained, so that a
            study can be spread over machines, and its table made where its runs are not.
        command: What to type to train a row with a seed, for the table.
        progress: Where to show progress. Defaults to nowhere.

    Raises:
        OSError: `out` cannot be written, or another process is training there.
        FileNotFoundError, ValueError: A dataset cannot be read or lacks images, or a run in `out` or a result in `results` is
            of another recipe, or of another version of a dataset or of one's own code.
        Interrupted: Ctrl-C was pressed; everything is saved, and the table is of what is finished.
    """
    out, progress = Path(out), progress or Progress.silent()
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}; expected 1 or more")
    require_writable(out / "table.json")
    if results:
        require_writable(Path(results))
    with locked(out), locked(Path(results)) if results else nullcontext():
        kept = KeptResults(Path(results)) if results else None
        return _run_study(study, Path(data), out, jobs, device, kept, command, progress)


def _run_study(
    study: Study,
    data: Path,
    out: Path,
    jobs: int,
    device: str,
    kept: KeptResults | None,
    command: Command | None,
    progress: Progress,
) -> StudyTable:
    """Train the runs that are missing in a folder that this process alone writes."""
    runs = study.runs()
    new = [run for run in runs if kept is None or run not in kept]
    check_code(new, out, choose_device(device))
    fingerprints = check_datasets(new, data, study.metric)
    if kept:
        kept.require_same_datasets(fingerprints)
    missing = {out / run.name: run for run in new if not is_finished(run, out, fingerprints)}
    for run in new:
        if kept and out / run.name not in missing:
            kept.add(run, out)
    progress.say(f"{counted(len(runs), 'run')}, {len(runs) - len(missing)} of them finished")

    waiting = [Job(run.recipe, folder, data, device) for folder, run in missing.items()]
    failed: dict[str, str] = {}

    def ended(job: Job, error: str) -> None:
        if error:
            failed[job.folder.relative_to(out).as_posix()] = error
        elif kept:
            kept.add(missing[job.folder], out)
        progress.say(f"{job.folder} failed: {error}; see {job.log}" if error else f"{job.folder} is finished")

    try:
        if jobs == 1:
            run_one_by_one(waiting, ended, progress)
        else:
            run_at_once(waiting, jobs, ended)
    except Interrupted:
        raise Interrupted(out) from None
    finally:
        table = tabulate(
            runs, out, baseline=study.baseline, metric=study.metric, failed=failed, command=command, kept=kept
        )
        table.write(out)
    return table
