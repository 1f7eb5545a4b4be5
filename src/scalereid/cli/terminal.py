"""What the commands share."""

import os
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scalereid.data.names import named_datasets
from scalereid.data.toy import TOY_SETS, draw_toy_once
from scalereid.progress import Progress


def draw_toy_people(data: Path, progress: Progress, *datasets: str) -> None:
    """Draw those of the datasets that are drawn, into the folders where they will be read."""
    for name, _, folder in (named for dataset in datasets for named in named_datasets(dataset)):
        if name in TOY_SETS:
            progress.say(f"{name} people are drawn into {data / folder} (a minute), unless they are there already …")
            draw_toy_once(data / folder, name)


def program() -> str:
    """What to type for this program here: its name where the shell finds it, else its path."""
    return "scalereid" if shutil.which("scalereid") else os.path.relpath(sys.argv[0])


def show(*tables: Table) -> None:
    """Print tables, one after another."""
    for table in tables:
        Console().print(table)
