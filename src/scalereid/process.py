"""This process and its machine: device, seeds, memory allocator, Ctrl-C, and a record of it all."""

import ctypes
import os
import platform
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from types import FrameType
from typing import Any

import numpy as np
import torch


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; `auto` is the first CUDA GPU, or else the CPU.

    Raises:
        ValueError: there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        reason = "there is no such kind, but cpu, cuda, mps" if "Expected one of" in reason else reason
        raise ValueError(f"device {name!r} cannot be used here: {reason}") from error
    return torch.device(name)


def environment(device: torch.device) -> dict[str, Any]:
    """What a result may depend on besides the recipe: versions, machine, device, command."""
    return {
        "scalereid": version("scalereid"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "pillow": version("pillow"),
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "tf32": torch.backends.cudnn.allow_tf32 if device.type == "cuda" else False,
        "command": sys.argv,
    }


def seed_everything(seed: int) -> None:
    """Fix every generator that a model may draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def keep_freed_memory() -> None:
    """Tell glibc not to hand large freed blocks back to the system between batches; elsewhere nothing happens.

    By default a batch's largest activations are fresh pages each time, which the system must clear first. Training in
    float32 on a CPU is 1.1 to 1.3 times as fast without that (docs/benchmarks.md).
    """
    if platform.libc_ver()[0] != "glibc":
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # malloc.h's M_… numbers
    libc = ctypes.CDLL(None)
    for parameter, value in ((mmap_threshold, 2**30), (trim_threshold, 2**31 - 1), (top_pad, 64 * 2**20)):
        libc.mallopt(parameter, value)


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Yields a function that tells whether Ctrl-C was pressed (or the process told to end); a second one stops at once."""
    requested = False
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread alone
        yield lambda: False
        return

    def request(number: int, frame: FrameType | None) -> None:
        nonlocal requested
        if requested:
            signal.default_int_handler(number, frame)
        requested = True
        # Not print: the signal may have come in the middle of one.
        os.write(2, b"\nstopping after this step; once more stops at once, and loses it\n")

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
