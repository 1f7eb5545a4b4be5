import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from scalereid.signals import interruption

SIGNALS = """
import signal
from scalereid.signals import interruption

before = signal.getsignal(signal.SIGINT)
with interruption() as stop_requested:
    print(stop_requested())
    signal.raise_signal(signal.SIGTERM)
    print(stop_requested())
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("stopped")
print(signal.getsignal(signal.SIGINT) is before)
with interruption() as outer:
    with interruption():
        signal.raise_signal(signal.SIGINT)  # too late for the block, which ends by itself
    print(outer())
    try:
        with interruption():
            signal.raise_signal(signal.SIGINT)
            raise ValueError
    except ValueError:
        print("acted on")
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("stopped")
"""


def test_first_request_is_noted_second_stops() -> None:
    """In a process of its own, which is what gets signals; other tests may have left threads of runtimes in this one."""
    done = subprocess.run([sys.executable, "-c", SIGNALS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "stopped", "True", "True", "acted", "on", "stopped"]
    assert "Press Ctrl-C again to stop at once" in done.stderr


def test_other_threads_cannot_be_interrupted_and_say_so() -> None:
    def asked() -> bool:
        with interruption() as stop_requested:
            return stop_requested()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asked).result() is False


def run(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_before_a_command_a_signal_ends_the_process_without_a_word(name: str) -> None:
    code = (
        "import signal; from scalereid.signals import end_at_once; end_at_once()\n"
        f"try: signal.raise_signal(signal.{name})\n"
        "except BaseException: print('raised')"
    )
    done = run(code)
    assert (done.returncode, done.stdout + done.stderr) == (128 + getattr(signal, name), "")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_in_a_command_a_signal_is_raised_and_handled_as_before_afterwards(name: str) -> None:
    code = (
        "import signal; from scalereid.signals import raising, received\n"
        f"number = signal.{name}\n"
        "before = signal.getsignal(number)\n"
        "try:\n"
        "    with raising():\n"
        "        print(received())\n"
        "        signal.raise_signal(number)\n"
        "except KeyboardInterrupt: print(received() == number, signal.getsignal(number) is before)"
    )
    assert run(code).stdout.split() == ["0", "True", "True"]


def test_what_is_ignored_stays_ignored() -> None:
    """As SIGHUP is under nohup, and SIGINT in a shell script's background."""
    code = (
        "import signal; from scalereid.signals import end_at_once, interruption, raising\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); end_at_once()\n"
        "with raising(), interruption() as stop_requested:\n"
        "    signal.raise_signal(signal.SIGHUP); print(stop_requested())"
    )
    done = run(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\n", "")


def test_a_signal_that_python_drops_is_sent_again() -> None:
    """An exception in a destructor, or in a callback of the import system, would otherwise be printed and lost."""
    code = (
        "import signal, time; from scalereid.signals import raising\n"
        "class Last:\n"
        "    def __del__(self): signal.raise_signal(signal.SIGTERM)\n"
        "try:\n"
        "    with raising():\n"
        "        last = Last(); del last\n"
        "        time.sleep(60)\n"
        "        print('waited')\n"
        "except KeyboardInterrupt: print('raised')"
    )
    started = time.monotonic()
    done = run(code)
    assert (done.stdout, done.stderr) == ("raised\n", "")
    assert time.monotonic() - started < 50, "the wait was interrupted"


def test_a_request_is_noted_though_the_terminal_is_gone() -> None:
    code = (
        "import os, signal; from scalereid.signals import interruption\n"
        "with interruption() as stop_requested:\n"
        "    os.close(2); signal.raise_signal(signal.SIGHUP); print(stop_requested(), flush=True); os._exit(0)"
    )
    assert run(code).stdout == "True\n"
