"""The command line; nothing else knows a command or a flag."""

import io
import os
import select
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn, TextIO

from scalereid import __version__
from scalereid.cli.errors import Stopped, UsageError
from scalereid.cli.parsing import Call, parse
from scalereid.distributed import first_to_end
from scalereid.memory import keep_freed_memory
from scalereid.signals import raising, received

_SIGINT, _SIGPIPE = 2, 13
_EXPECTED = (ValueError, OSError, FloatingPointError, ModuleNotFoundError)


def main(words: Sequence[str] | None = None) -> None:
    """Run the command that the words ask for.

    Exits with 1 after an error, with 2 where the words are not understood, and with 128 + the number of a signal that stopped
    the command: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP, 141 where the reader of its output has gone.
    SCALEREID_TRACEBACK=1 in the environment shows where an error was raised.
    """
    words = sys.argv[1:] if words is None else words
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without × still shows the rest
    call = None
    try:
        if list(words) == ["--version"]:
            print(f"scalereid {__version__}")
            return
        call = parse(words)
        with raising():
            keep_freed_memory()
            call()
    except UsageError as error:
        _exit(2, f"scalereid: {error}")
    except Stopped as stopped:
        _exit(128 + (received() or _SIGINT), f"stopped and saved. Go on with:  {stopped}")
    except KeyboardInterrupt:
        _exit(128 + (received() or _SIGINT), "stopped")
    except Exception as error:
        _fail(error, call)
    finally:
        _flush()


def _fail(error: Exception, call: Call | None) -> NoReturn:
    """Say what an error is and exit.

    Not so where a library made another error of the exception that a signal raised, or nobody reads what is printed.
    """
    if call and received():
        _exit(128 + received(), "stopped")
    if isinstance(error, BrokenPipeError) and any(map(_is_unread, (sys.stdout, sys.stderr))):
        _exit(128 + _SIGPIPE)
    if os.environ.get("SCALEREID_TRACEBACK"):
        raise error
    from scalereid.cli.hints import hint, where

    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # of torch, of a GPU's
        _exit(1, f"scalereid: there is not enough memory, a smaller batch size needs less: {error}")
    if isinstance(error, _EXPECTED) or not where(error):
        advice = hint(str(error), call) if call else ""
        _exit(1, f"scalereid: {error}\n{advice}{where(error)}".rstrip("\n"))
    lines = "".join(traceback.format_exception(error))
    _exit(
        1,
        f"{lines}\nscalereid: this error was not expected, here or in a package that scalereid uses: please report it",
    )


def _exit(code: int, message: str = "") -> NoReturn:
    if not message.replace("\n", "").isprintable():
        from scalereid.wording import printable  # only here, as it takes longer than listing the commands

        message = "\n".join(map(printable, message.split("\n")))
    with suppress(OSError):  # the terminal may be gone
        if message and first_to_end():
            print(message, file=sys.stderr, flush=True)
    sys.exit(code)


def _flush() -> None:
    """Write what is still to be written to standard output, or exit in the way that says that it cannot be."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Else Python tries again at its end, and prints a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            _exit(128 + _SIGPIPE)
        _exit(1, f"scalereid: the output cannot be written: {error.strerror}")


def _is_unread(stream: TextIO) -> bool:
    """Whether a stream is a pipe that nobody reads any more."""
    with suppress(OSError, AttributeError):  # it is no file; or a system without poll
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False
