"""The command `scalereid`, also `python -m scalereid`: imports next to nothing before Ctrl-C ends it quietly."""

import os
import sys
from collections.abc import Callable

from scalereid.signals import end_at_once


def main() -> None:
    """Run the command line."""
    end_at_once()
    _open_closed_streams()
    from scalereid.cli import main as run
    from scalereid.distributed import processes

    if processes() == 1:
        run()
    else:
        _run_and_end_at_once(run)


def _run_and_end_at_once(run: Callable[[], None]) -> None:
    """Run without the interpreter's end: torch's threads of gloo at times do not survive it, and torchrun sees an error."""
    code: object = 0
    try:
        run()
    except SystemExit as ended:
        code = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def _open_closed_streams() -> None:
    """Let closed standard streams lead nowhere, so that no file opened later takes their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - as `>/dev/null` does


if __name__ == "__main__":
    main()
