"""Help, in lines that are easy to read."""

import io
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from textwrap import fill
from typing import NoReturn

from scalereid.cli.commands import Command

WIDTH = 80


def print_commands(commands: Mapping[str, Command]) -> NoReturn:
    """Print what each command is for, and exit."""
    width = max(map(len, commands))
    print("usage: scalereid COMMAND [ARGUMENTS]\n\nPerson re-identification with features at every scale.\n")
    for name, command in commands.items():
        print(f"  {name:{width}}  {command.summary}")
    print("\n`scalereid COMMAND --help` shows the options of a command.")
    raise SystemExit(0)


class _Help(io.StringIO):
    """Takes the place of standard output. It is not a terminal, on which tyro would dim the help texts."""

    encoding = sys.stdout.encoding


@contextmanager
def in_short_lines() -> Iterator[None]:
    """Print tyro's help no wider than `WIDTH`: as for a narrow terminal, and its usage in several lines."""
    columns, printed = shutil.get_terminal_size().columns, _Help()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(min(WIDTH, columns))
    try:
        with redirect_stdout(printed):
            yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
        usage, _, rest = printed.getvalue().partition("\n")
        if usage:
            print(fill(usage, WIDTH, subsequent_indent=" " * 8, break_on_hyphens=False), rest, sep="\n", end="")
