"""The signals that end a program, Ctrl-C, SIGTERM and SIGHUP: at once, by an exception, or after a step.

One that is ignored when the program starts, as SIGHUP is under nohup, stays ignored.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_AGAIN = 0.01  # seconds
_received = 0


def received() -> int:
    """Number of the last of these signals within the latest `raising` block; 0 for none."""
    return _received


def end_at_once() -> None:
    """From now on let each signal end the process at once, without a word and with exit status 128 + its number.

    For the time in which nothing has been begun, as while modules are imported, or everything is done.
    """
    for number in _ending():
        signal.signal(number, lambda number, _: os._exit(128 + number))


@contextmanager
def raising() -> Iterator[None]:
    """Within the block let each signal raise KeyboardInterrupt, so that whatever is half written is removed."""
    global _received
    _received = 0

    def interrupt(number: int, _: FrameType | None) -> None:
        global _received
        _received = number
        raise KeyboardInterrupt

    hook = sys.unraisablehook
    with _handled_by(interrupt):
        sys.unraisablehook = _raise_again
        try:
            yield
        finally:
            sys.unraisablehook = hook


@contextmanager
def interruption(*, silent: bool = False) -> Iterator[Callable[[], bool]]:
    """Yield a function that returns True once a signal has been received. A second signal raises KeyboardInterrupt at once.

    `silent` says nothing about it to the user.

    A request that came too late, since the block ended by itself, is passed on to the handlers before.
    """
    requested = 0

    def request(number: int, _: FrameType | None) -> None:
        global _received
        nonlocal requested
        _received = number
        requested = 0 if requested else number
        if not requested:  # the second
            raise KeyboardInterrupt
        if silent:
            return
        # Not print: the signal may have come in the middle of one. And the terminal may be gone.
        with suppress(OSError):
            os.write(2, b"\nStopping after this step. Press Ctrl-C again to stop at once and lose the step.\n")

    with _handled_by(request):
        yield lambda: bool(requested)
    if requested:
        signal.raise_signal(requested)


def _ending() -> list[int]:
    """The signals that end this process: none in a thread, which receives none."""
    if threading.current_thread() is not threading.main_thread():
        return []
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _ending()}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _raise_again(unraisable: Any) -> None:
    """Send a signal once more whose exception was raised where Python must drop it, as in a callback of its import system."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
    elif _received:
        threading.Timer(_AGAIN, _send_to_main_thread, [_received]).start()


def _send_to_main_thread(number: int) -> None:
    """Send a signal to the thread that acts on it, which may be waiting for something else."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, number)
    else:
        signal.raise_signal(number)
