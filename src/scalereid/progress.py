"""Progress of long tasks: a bar on a terminal, plain lines elsewhere, or nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from scalereid.wording import counted, duration, printable


class AdvanceBar(Protocol):
    """Called with the number of images just completed, and optionally a detail to show on the bar."""

    def __call__(self, images: int, detail: str = "") -> None:
        """Advance by `images`."""


class Terminal(Console):
    """A console that shows text as it is, names of files in it too: no markup, no emoji, and control characters escaped."""

    def __init__(self, *, stderr: bool = False, quiet: bool = False) -> None:
        super().__init__(stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Text to be measured and printed, of lines and of cells of tables."""
        return super().render_str("\n".join(map(printable, text.split("\n"))), **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as any console.

        Raises:
            BrokenPipeError: Nobody reads the output.
            OSError: It cannot be written; the message says so.
        """
        with named_output():
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """Leave it to the caller what happens where nobody reads the output."""
        raise


class Progress:
    """Lines and bars on a console, standard output by default; `verbose` adds details."""

    def __init__(self, console: Console | None = None, *, verbose: bool = False) -> None:
        self.console = console or Terminal()
        self.verbose = verbose

    @classmethod
    def silent(cls) -> "Progress":
        """Progress that prints nothing."""
        return cls(Terminal(quiet=True))

    def say(self, text: str) -> None:
        """Print a line, above the bar if there is one."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def detail(self, text: str) -> None:
        """Print a line that few readers need."""
        if self.verbose:
            self.say(text)

    @contextmanager
    def stage(self, what: str, images: int) -> Iterator[AdvanceBar]:
        """Show a bar over `images` images; at the end, print a line with the time taken and the images per second."""
        started = time.monotonic()
        done = 0
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn(
                "{task.percentage:3.0f} %  {task.fields[detail]}  {task.fields[rate]:,.0f} images/s ", markup=False
            ),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
        )
        # A bar would redirect what others print to its console: a quiet one must not have any.
        hidden = self.console.quiet or not self.console.is_terminal
        with Bar(*columns, console=self.console, transient=True, disable=hidden) as bar:
            task = bar.add_task(what, total=images, detail="", rate=0.0)

            def advance(images: int, detail: str = "") -> None:
                nonlocal done
                done += images
                rate = done / max(time.monotonic() - started, 1e-9)
                bar.update(task, advance=images, rate=rate)
                if detail:
                    bar.update(task, detail=detail)

            yield advance
        seconds = time.monotonic() - started
        self.say(f"{what}: {counted(done, 'image')} in {duration(seconds)}, {done / max(seconds, 1e-9):,.0f} a second")


@contextmanager
def named_output() -> Iterator[None]:
    """Let the error of a full disk, for example, say that it is about what is printed."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(f"the output cannot be written: {error.strerror}") from error
