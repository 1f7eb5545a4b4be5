import ctypes
import platform
import signal

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


def test_first_request_is_noted_second_stops(capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with interruption() as stop_requested:
        assert not stop_requested()
        signal.raise_signal(signal.SIGTERM)
        assert stop_requested()
        assert "once more stops at once" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


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
