"""The command line; nothing else knows a command or a flag."""

import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from scalereid import __version__
from scalereid.cli.errors import Stopped, UsageError
from scalereid.cli.parsing import parse


def main(words: Sequence[str] | None = None) -> None:
    """Run the command that the words ask for.

    Exits with 1 after an error, with 2 where the words are not understood, and with 130 when the user stops the command.
    SCALEREID_TRACEBACK=1 in the environment shows where an error was raised.
    """
    words = sys.argv[1:] if words is None else words
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without × still shows the rest
    if list(words) == ["--version"]:
        print(f"scalereid {__version__}")
        return
    call = None
    try:
        call = parse(words)
        if "torch" in sys.modules:  # the command computes
            from scalereid.process import keep_freed_memory

            keep_freed_memory()
        call()
    except UsageError as error:
        _exit(2, f"scalereid: {error}")
    except Stopped as stopped:
        _exit(130, f"stopped and saved. Go on with:  {stopped}")
    except KeyboardInterrupt:
        _exit(130, "stopped")
    except (ValueError, OSError, FloatingPointError, ModuleNotFoundError) as error:
        if os.environ.get("SCALEREID_TRACEBACK"):
            raise
        from scalereid.cli.hints import hint

        advice = hint(str(error), call) if call else ""
        _exit(1, f"scalereid: {error}\n{advice}(SCALEREID_TRACEBACK=1 shows where this was raised)")


def _exit(code: int, message: str) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(code)
