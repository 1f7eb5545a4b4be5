"""Help, in lines that are easy to read."""

import io
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from textwrap import fill
from typing import NoReturn

from scalereid.cli.commands import GROUPS, Command

WIDTH = 80


def print_commands(commands: Mapping[str, Command], group: str = "") -> NoReturn:
    """Print what each command is for, all or those of a group, and exit."""
    program = f"scalereid {group}".rstrip()
    print(f"usage: {program} COMMAND [ARGUMENTS]\n")
    if not group:
        print("Person re-identification with features at every scale.\n")
    own = {name.removeprefix(f"{group} "): command.summary for name, command in commands.items()}
    if not group:
        of = {name: name.split()[0] for name in own}
        own = {of[name] if of[name] in GROUPS else name: GROUPS.get(of[name], line) for name, line in own.items()}
    for name, summary in own.items():
        print(f"  {name:{max(map(len, own))}}  {summary}")
    print(f"\n`{program} COMMAND --help` shows the options of a command.")
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
