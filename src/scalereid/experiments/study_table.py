"""The table of a study: means, their spread over seeds, and differences with intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from scalereid.experiments.kept_results import KeptResults
from scalereid.experiments.rows import Row, StudyRun
from scalereid.experiments.study_results import Difference, Result, difference, result_of
from scalereid.files import write, write_json

METRICS = ("mAP", "mINP", "rank-1", "rank-5")
Command = Callable[[Row, int], str]
"""What to type to train a row with a seed."""


@dataclass(frozen=True)
class Spread:
    """A score over the seeds of a row."""

    mean: float
    sd: float | None
    """Sample standard deviation; None for one seed."""


Spreads = Mapping[str, Spread]
"""By metric; empty without a finished seed."""


@dataclass(frozen=True)
class TableRow:
    """The scores of one row, as fractions."""

    name: str
    seeds: tuple[int, ...]
    """Seeds of which every split is finished; the scores are of these."""
    scores: Spreads
    """Of the mean over the splits."""
    splits: Mapping[str, Spreads]
    """Of each split; empty in a study without splits."""
    difference: Difference | None
    """From the baseline; None for itself, and where the two have no seeds or no queries in common."""
    how: str
    """Distance and protocol, in words."""
    command: str
    """What to type to train its first run; empty if not known."""


@dataclass(frozen=True)
class StudyTable:
    """The results of a study, as far as its runs are finished."""

    metric: str
    baseline: str
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
        write(folder / "table.md", lambda file: file.write_text(self.markdown(), encoding="utf-8"))

    def markdown(self) -> str:
        """The table in Markdown, scores in per cent."""
        lines = [_line(["", *METRICS, f"Δ {self.metric}", "seeds"]), _line(["---"] * (len(METRICS) + 3))]
        for row in self.rows:
            change = "baseline" if row.name == self.baseline else _change(row.difference)
            lines.append(_line([row.name, *(_cell(row.scores, m) for m in METRICS), change, str(len(row.seeds))]))
        if splits := list(self.rows[0].splits):
            lines += ["", _line([self.metric, *splits]), _line(["---"] * (len(splits) + 1))]
            lines += [_line([row.name, *(_cell(row.splits[s], self.metric) for s in splits)]) for row in self.rows]
        hows = ", or ".join(dict.fromkeys(row.how for row in self.rows if row.how))
        lines += [
            "",
            f"Mean over seeds{' and splits' if splits else ''} ± standard deviation over seeds, in per cent, after the last "
            f"epoch{f'; {hows}' if hows else ''}. Δ: difference from {self.baseline} in points, with the 95 % interval of a "
            "paired bootstrap over people and seeds (over people alone, if there is one seed).",
        ]
        if commands := [row.command for row in self.rows if row.command]:
            lines += ["", "The first run of each row:", "", "```sh", *commands, "```"]
        if self.missing:
            lines += ["", "Not finished:", ""]
            lines += [f"* {name}{f': {self.failed[name]}' if name in self.failed else ''}" for name in self.missing]
        return "\n".join(lines) + "\n"


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
        (run.row, run.seed, run.split): (kept.result(run) if kept else None) or result_of(run, out) for run in runs
    }
    names, seeds, splits = (dict.fromkeys(values) for values in zip(*results, strict=True))
    complete: dict[str, dict[int, list[Result]]] = {name: {} for name in names}
    for name in names:
        for seed in seeds:
            finished = [result for split in splits if (result := results[name, seed, split])]
            if len(finished) == len(splits):
                complete[name][seed] = finished
    first = {run.row: run for run in reversed(runs)}
    rows = [
        TableRow(
            name=name,
            seeds=tuple(own),
            scores=_spreads(list(own.values())),
            splits={split: _spreads([[of[i]] for of in own.values()]) for i, split in enumerate(splits) if split},
            difference=difference(own, complete[baseline], metric) if name != baseline else None,
            how=next((result.scores.how() for of in own.values() for result in of), ""),
            command=command(first[name].settings, first[name].seed) if command else "",
        )
        for name, own in complete.items()
    ]
    missing = tuple(run.name for run in runs if not results[run.row, run.seed, run.split])
    return StudyTable(metric, baseline, tuple(rows), missing, failed or {})


def _spreads(seeds: Sequence[Sequence[Result]]) -> dict[str, Spread]:
    """Over seeds, of the means over what there is of each."""
    spreads = {}
    for metric in METRICS if seeds else ():
        means = [fmean(result.scores.metric(metric) for result in results) for results in seeds]
        spreads[metric] = Spread(fmean(means), stdev(means) if len(means) > 1 else None)
    return spreads


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
