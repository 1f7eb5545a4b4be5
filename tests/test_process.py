import ctypes
import platform
import subprocess
import sys

import pytest
import torch

from scalereid.process import choose_device, environment, interruption, keep_freed_memory, seed_everything


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device() == torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for name in ("cuda:99", "toaster"):
        with pytest.raises(ValueError, match=f"device '{name}' cannot be used here"):
            choose_device(name)


def test_seeds_fix_every_generator() -> None:
    import random

    import numpy as np

    draws = []
    for _ in range(2):
        seed_everything(5)
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert draws[0] == draws[1]


SIGNALS = """
import signal
from scalereid.process import interruption

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
"""


def test_first_request_is_noted_second_stops() -> None:
    """In a process of its own, which is what gets signals; other tests may have left threads of runtimes in this one."""
    done = subprocess.run([sys.executable, "-c", SIGNALS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "stopped", "True"]
    assert "once more stops at once" in done.stderr


def test_environment_names_what_matters() -> None:
    assert {"scalereid", "torch", "numpy", "pillow", "device", "threads", "command"} <= environment(
        torch.device("cpu")
    ).keys()


def test_other_threads_cannot_be_interrupted_and_say_so() -> None:
    from concurrent.futures import ThreadPoolExecutor

    def asked() -> bool:
        with interruption() as stop_requested:
            return stop_requested()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asked).result() is False


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these settings")
def test_the_allocator_takes_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[int] = []
    libc = ctypes.CDLL(None)

    class Library:
        def mallopt(self, parameter: int, value: int) -> None:
            answers.append(libc.mallopt(parameter, value))

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    keep_freed_memory()
    assert answers == [1, 1, 1]
