"""scalereid study: many runs and one table."""

import sys
from dataclasses import dataclass
from pathlib import Path
from shlex import join
from typing import Annotated

from tyro.conf import Positional, arg

from scalereid.arguments import check_whole
from scalereid.cli.errors import Stopped
from scalereid.cli.flags import flag_of
from scalereid.cli.options import DataFolder, Device, Flat
from scalereid.cli.terminal import Output
from scalereid.cli.toy_people import draw_toy_people
from scalereid.cli.unused import without_effect
from scalereid.cli.writing import writing
from scalereid.experiments.rows import Row
from scalereid.files import require_writable
from scalereid.locks import locked


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """Where the runs are, and what trains them."""

    data: DataFolder
    out: Path
    """Folder for the runs and the table. Finished runs are kept, stopped ones go on."""
    jobs: int = 1
    """Number of runs trained at the same time."""
    device: Device = "auto"
    rows: tuple[str, ...] = ()
    """Train and compare only these rows, by name. Defaults to all."""
    seeds: tuple[int, ...] = ()
    """Only these of the study's seeds. Defaults to all."""
    splits: tuple[str, ...] = ()
    """Only these of the study's splits, by name. Defaults to all."""
    results: Path | None = None
    """A .json file for the results of finished runs. Those in it already are not trained again."""


def study(
    file: Annotated[Positional[Path], arg(metavar="FILE.py", help="A Python file that defines STUDY.")],
    options: Flat[StudyOptions],
    output: Flat[Output],
) -> None:
    """Train the missing runs of a study (rows × seeds × splits) and write one table:
    means with standard deviations, and differences with 95 % intervals. If it is
    stopped, the same command continues."""
    from scalereid.experiments.study import load_study, run_study
    from scalereid.process import choose_device
    from scalereid.training.loop import Interrupted

    check_whole("jobs", options.jobs, 1)
    with locked(options.out), writing(options.results):  # here, and not only once people are drawn
        require_writable(options.out / "table.json")
    loaded = load_study(file).only(rows=options.rows, seeds=options.seeds, splits=options.splits)
    choose_device(options.device)  # fails at once, not after drawing people
    datasets = {name for run in loaded.runs() for name in (run.recipe.data.dataset, *run.recipe.targets)}
    draw_toy_people(options.data, output.progress, *sorted(datasets))
    try:
        table = run_study(
            loaded,
            data=options.data,
            out=options.out,
            jobs=options.jobs,
            device=options.device,
            results=options.results,
            command=lambda row, seed: command_of(row, seed, data=options.data),
            progress=output.progress,
        )
    except Interrupted:
        raise Stopped("the same command") from None
    output.say(f"\n{table.markdown()}\nThe table is in {options.out / 'table.md'} and {options.out / 'table.json'}")
    output.result(table.to_json())
    if table.failed:
        sys.exit(1)


def command_of(row: Row, seed: int, *, data: Path) -> str:
    """The command that trains one run of a row; empty where its recipe has no name. Settings without effect are left out."""
    if not isinstance(row.base, str):
        return ""
    words, unused = ["scalereid", "train", row.base], without_effect(row.recipe())
    for setting, value in {**row.changes, "seed": seed}.items():
        if setting in unused:
            continue
        group, _, name = setting.rpartition(".")
        if isinstance(value, bool):
            words.append(flag_of(setting if value else f"{group}.no_{name}"))
        else:
            words += [flag_of(setting), *map(str, value if isinstance(value, list | tuple) else [value])]
    return join([*words, "--data", str(data), "--out", "runs/again"])
