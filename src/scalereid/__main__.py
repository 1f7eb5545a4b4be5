"""The command `scalereid`, also `python -m scalereid`: imports next to nothing before Ctrl-C ends it quietly."""

import os
import sys

from scalereid.signals import end_at_once


def main() -> None:
    """Run the command line."""
    end_at_once()
    _open_closed_streams()
    from scalereid.cli import main as run

    run()


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
