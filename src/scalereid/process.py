"""This process and its machine: device, seeds, and a description of the environment."""

import platform
import random
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from scalereid.distributed import number_here, processes, processes_here
from scalereid.typed_json import from_json


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of that name; `auto` is the first CUDA GPU, or else the CPU.

    Of several processes on this machine, each gets a GPU of its own: for `auto` and `cuda` the one with its number.

    Raises:
        ValueError: The device does not exist on this machine, or not for each of several processes.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if processes() > 1 and name != "cpu":
        name = _own_gpu(name)
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        reason = "unknown kind of device; choose auto, cpu, cuda or mps" if "Expected one of" in reason else reason
        raise ValueError(f"Device {name!r} is not available: {reason}") from error
    return torch.device(name)


def _own_gpu(name: str) -> str:
    """The name of the GPU of this process, one of several, which becomes its default."""
    if name != "cuda":
        raise ValueError(
            f"Device {name!r} is one device, and there are {processes()} processes; choose auto, cpu or cuda"
        )
    if processes_here() > torch.cuda.device_count():
        raise ValueError(
            f"There are {processes_here()} processes on this machine and {torch.cuda.device_count()} GPUs; start as many "
            "processes as GPUs, or choose the device cpu"
        )
    torch.cuda.set_device(number_here())
    return f"cuda:{number_here()}"


@dataclass(frozen=True)
class Environment:
    """What a result may depend on besides the recipe: versions, machine, device, command."""

    scalereid: str
    python: str
    torch: str
    numpy: str
    pillow: str
    platform: str
    device: str
    threads: int
    tf32: bool
    command: tuple[str, ...]
    processes: int = 1

    def to_json(self) -> dict[str, Any]:
        """The environment as JSON values."""
        return asdict(self) | {"command": list(self.command)}

    @classmethod
    def from_json(cls, values: Any, where: str = "environment") -> "Environment":
        """The environment that `to_json` gave.

        Raises:
            ValueError: The values are something else; the message names the one that does not fit, which is in `where`.
        """
        return from_json(cls, values, where)


def environment(device: torch.device) -> Environment:
    """Describe this process, which computes on `device`."""
    on_gpu = device.type == "cuda"
    return Environment(
        scalereid=version("scalereid"),
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        pillow=version("pillow"),
        platform=platform.platform(),
        device=torch.cuda.get_device_name(device) if on_gpu else device.type,
        threads=torch.get_num_threads(),
        tf32=on_gpu and torch.backends.cudnn.allow_tf32,
        command=tuple(sys.argv),
        processes=processes(),
    )


def seed_everything(seed: int) -> None:
    """Seed every random generator that a model may draw from: Python's, NumPy's and PyTorch's."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
