"""The table of a study: means, their spread over seeds, and differences with intervals."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scalereid.data.names import named_datasets, without_splits
from scalereid.experiments.kept_results import KeptResults
from scalereid.experiments.rows import Row, StudyRun
from scalereid.experiments.study_results import (
    CLASS_METRICS,
    BySeed,
    Difference,
    Drawn,
    Result,
    Spreads,
    TargetScores,
    metrics_with,
    results_of,
    scored_on_target,
)
from scalereid.files import write, write_json

Command = Callable[[Row, int], str]
"""What to type to train a row with a seed."""


@dataclass(frozen=True, kw_only=True)
class TableRow(TargetScores):
    """A row: its scores on its main target, and on the others."""

    name: str
    seeds: tuple[int, ...]
    """Seeds of which every split is finished; the scores are of these."""
    command: str
    """What to type to train its first run; empty if not known."""
    also: tuple[TargetScores, ...]
    """The scores on the datasets of `evaluation.also`, in their order."""


@dataclass(frozen=True)
class StudyTable:
    """The results of a study, as far as its runs are finished."""

    metric: str
    baseline: str
    targets: tuple[tuple[str, ...], ...]
    """Names of the datasets of the main target, and of each of `evaluation.also`; several, where splits have their own."""
    drawn: Drawn
    """What is drawn beside people for the intervals: splits, where they are numbered splits of one dataset, else seeds."""
    rows: tuple[TableRow, ...]
    missing: tuple[str, ...]
    """Runs that are not finished."""
    failed: Mapping[str, str]
    """Those of them that ended in an error just now, with its message."""

    def to_json(self) -> dict[str, Any]:
        """The table as JSON values."""
        return asdict(self)

    def write(self, folder: Path) -> None:
        """Write `table.json`, and the same as Markdown, `table.md`."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "table.json", self.to_json())
        text = self.markdown()  # in which messages may name files that are not UTF-8
        write(folder / "table.md", lambda file: file.write_text(text, encoding="utf-8", errors="replace"))

    def markdown(self) -> str:
        """The table in Markdown, scores in per cent."""
        splits = list(self.rows[0].splits)
        lines = [line for number in range(len(self.targets)) for line in self._target(number, splits)]
        hows = ", or ".join(dict.fromkeys(each.how for row in self.rows for each in (row, *row.also) if each.how))
        shared = ", over the seeds that both have finished" if len({row.seeds for row in self.rows}) > 1 else ""
        what = "images" if self.metric in CLASS_METRICS else "people"
        over = f"over {what} and seeds (over {what} alone, if there is one seed)"
        if self.drawn == "splits":
            over = f"over people and splits, on one split {over}"
        lines += [
            f"Mean over seeds{' and splits' if splits else ''} ± standard deviation over seeds, in per cent, after the last "
            f"epoch{f'; {hows}' if hows else ''}. Δ: difference from {self.baseline} in points{shared}, with the 95 % "
            f"interval of a paired bootstrap {over}.",
        ]
        if commands := [row.command for row in self.rows if row.command]:
            lines += ["", "The first run of each row:", "", "```sh", *commands, "```"]
        if self.missing:
            lines += ["", "Not finished:", ""]
            lines += [f"* {name}{f': {self.failed[name]}' if name in self.failed else ''}" for name in self.missing]
        return "\n".join(lines) + "\n"

    def _target(self, number: int, splits: Sequence[str]) -> list[str]:
        """The lines on one target: every row's means, those of each split, and the differences on each split."""
        on_target = {row.name: (row, *row.also)[number] for row in self.rows}
        metrics = metrics_with(self.metric)
        changes = {name: _change(on.difference) for name, on in on_target.items()} | {self.baseline: "baseline"}
        lines = [f"Scored on {', '.join(self.targets[number])}:", ""] if len(self.targets) > 1 else []
        lines += _table(
            ["", *metrics, f"Δ {self.metric}", "seeds"],
            [
                [row.name, *(_cell(on.scores, m) for m in metrics), changes[row.name], str(len(row.seeds))]
                for row, on in zip(self.rows, on_target.values(), strict=True)
            ],
        )
        if splits:
            cells = [[name, *(_cell(on.splits[s], self.metric) for s in splits)] for name, on in on_target.items()]
            lines += _table([self.metric, *splits], cells)
        others = {name: on.split_differences for name, on in on_target.items() if name != self.baseline}
        if splits and others:
            cells = [[name, *(_change(of[s]) for s in splits)] for name, of in others.items()]
            lines += _table([f"Δ {self.metric}", *splits], cells)
        return lines


def tabulate(
    runs: Sequence[StudyRun],
    out: Path,
    *,
    metric: str,
    baseline: str,
    failed: Mapping[str, str] | None = None,
    command: Command | None = None,
    kept: KeptResults | None = None,
) -> StudyTable:
    """The table of those of `runs` whose results are `kept`, or that are finished in the folder `out`.

    Raises:
        FileNotFoundError, ValueError: A file of a finished run is missing or damaged.
    """
    results = {
        (run.row, run.seed, run.split): (kept.results(run) if kept else ()) or results_of(run, out) for run in runs
    }
    names, seeds, splits = (list(dict.fromkeys(values)) for values in zip(*results, strict=True))
    complete: dict[str, dict[int, list[tuple[Result, ...]]]] = {name: {} for name in names}
    for name in names:
        for seed in seeds:
            finished = [of_run for split in splits if (of_run := results[name, seed, split])]
            if len(finished) == len(splits):
                complete[name][seed] = finished

    def on_target(name: str, number: int) -> BySeed:
        return {seed: [of_run[number] for of_run in of_splits] for seed, of_splits in complete[name].items()}

    targets = tuple(tuple(dict.fromkeys(each)) for each in zip(*(run.recipe.targets for run in runs), strict=True))
    named = [split for split in splits if split]
    drawn: Drawn = "splits" if _are_random_splits({run.recipe.data.dataset for run in runs}, len(splits)) else "seeds"
    first = {run.row: run for run in reversed(runs)}
    rows = []
    for name in names:
        main, *also = (
            scored_on_target(
                on_target(name, i), on_target(baseline, i) if name != baseline else {}, named, metric, drawn=drawn
            )
            for i in range(len(targets))
        )
        trains = command(first[name].settings, first[name].seed) if command else ""
        rows.append(TableRow(name=name, seeds=(*complete[name],), command=trains, also=(*also,), **vars(main)))
    missing = tuple(run.name for run in runs if not results[run.row, run.seed, run.split])
    return StudyTable(metric, baseline, targets, drawn, tuple(rows), missing, failed or {})


def _are_random_splits(datasets: Collection[str], splits: int) -> bool:
    """Whether the splits of a study train on numbered splits of one dataset, one on each."""
    of_one = len({without_splits(name) for name in datasets}) == 1
    return (
        splits == len(datasets) > 1 and of_one and all(named_datasets(name)[0].split is not None for name in datasets)
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, and an empty one."""
    return [_line(head), _line(["---"] * len(head)), *map(_line, rows), ""]


def _line(cells: Sequence[str]) -> str:
    escaped = [cell.replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(escaped)} |"


def _cell(spreads: Spreads, metric: str) -> str:
    if metric not in spreads:
        return "–"
    spread = spreads[metric]
    return f"{100 * spread.mean:.2f}" + ("" if spread.sd is None else f" ± {100 * spread.sd:.2f}")


def _change(change: Difference | None) -> str:
    return f"{100 * change.mean:+.2f} ({100 * change.low:+.2f} to {100 * change.high:+.2f})" if change else "–"
