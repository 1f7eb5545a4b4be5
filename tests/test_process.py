import ctypes
import json
import platform
import random
import sys

import numpy as np
import pytest
import torch

from scalereid.memory import keep_freed_memory
from scalereid.process import Environment, choose_device, environment, seed_everything


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device() == torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for name in ("cuda:99", "toaster"):
        with pytest.raises(ValueError, match=f"Device '{name}' is not available"):
            choose_device(name)


@pytest.mark.usefixtures("second_of_two")
def test_each_process_has_a_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(
        ValueError, match="Device 'cuda:1' is one device, and there are 2 processes; choose auto, cpu or"
    ):
        choose_device("cuda:1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(
        ValueError, match="There are 2 processes on this machine and 1 GPUs; start as many processes as"
    ):
        choose_device("cuda")


@pytest.mark.gpu
@pytest.mark.usefixtures("second_of_two")
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_the_second_process_computes_on_the_second_gpu() -> None:
    assert choose_device() == choose_device("cuda") == torch.device("cuda:1")


def test_seeds_fix_every_generator() -> None:
    draws = []
    for _ in range(2):
        seed_everything(5)
        draws.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert draws[0] == draws[1]


def test_the_environment_is_what_is_installed_here() -> None:
    here = environment(torch.device("cpu"))
    assert (here.torch, here.numpy, here.device) == (torch.__version__, np.__version__, "cpu")
    assert (here.threads, here.tf32) == (torch.get_num_threads(), False)
    assert here.command == tuple(sys.argv)
    assert Environment.from_json(json.loads(json.dumps(here.to_json()))) == here


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
