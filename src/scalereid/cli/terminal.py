"""Where a command's results go: lines and tables for a person, or one JSON document for a program."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from rich.table import Table
from tyro.conf import arg

from scalereid.distributed import is_first
from scalereid.progress import Progress, Terminal, named_output


@dataclass(frozen=True)
class Output:
    """The terminal, and whether a program reads what is printed."""

    as_json: Annotated[bool, arg(name="json", help_behavior_hint="")] = False
    """Print one JSON document on standard output, and the rest on standard error."""
    verbose: Annotated[bool, arg(help_behavior_hint="")] = False
    """Print details too, such as how many tensors of a weights file matched the model."""

    @cached_property
    def progress(self) -> Progress:
        """Lines and bars while the command works; of several processes, the first one's."""
        return Progress(Terminal(stderr=self.as_json, quiet=not is_first()), verbose=self.verbose)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Send what libraries print to standard error, where a program reads standard output."""
        with redirect_stdout(sys.stderr) if self.as_json else nullcontext():
            yield

    def say(self, text: str) -> None:
        """Print lines for a person."""
        self.progress.say(text)

    def caution(self, sentences: Iterable[str]) -> list[str]:
        """Print what speaks against a result, each sentence once; returns those that are not empty, for the document."""
        told = [sentence for sentence in dict.fromkeys(sentences) if sentence]
        for sentence in told:
            self.say(f"caution: {sentence}")
        return told

    def show(self, *tables: Table) -> None:
        """Print tables for a person, one after another; a program gets their contents as JSON."""
        if not self.as_json:
            for table in tables:
                self.progress.console.print(table)

    def result(self, values: Any) -> None:
        """Print the command's result for a program. Call it once."""
        if self.as_json:
            text = json.dumps(values, indent=2, allow_nan=False, default=str)
            with named_output():
                print(text, flush=True)


def program() -> str:
    """What to type to start this program here: its name where the shell finds it, else its path."""
    if shutil.which("scalereid"):
        return "scalereid"
    is_module = Path(sys.argv[0]).parts[-2:] == ("scalereid", "__main__.py")
    return "python -m scalereid" if is_module else os.path.relpath(sys.argv[0])
