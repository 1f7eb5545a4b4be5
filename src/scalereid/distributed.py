"""The processes that `torchrun` starts to train one model together: how many they are, and which one this is.

Known from the environment, before torch is imported; `training/exchange.py` is how they compute together.
"""

import os


def processes() -> int:
    """Number of processes on all machines; 1 if this one was not started by torchrun."""
    return _number("WORLD_SIZE", 1)


def number() -> int:
    """Number of this process among them, from 0 (its rank, in torch's words)."""
    return _number("RANK", 0)


def processes_here() -> int:
    """Number of processes on this machine."""
    return _number("LOCAL_WORLD_SIZE", 1)


def number_here() -> int:
    """Number of this process among those on this machine, from 0."""
    return _number("LOCAL_RANK", 0)


def is_first() -> bool:
    """Whether this is the process that writes, prints and scores."""
    return number() == 0


def own_rows() -> slice:
    """The rows of a batch that are this process's: every n-th of them, so that each half of a batch is shared alike."""
    return slice(number(), None, processes())


def first_to_end() -> bool:
    """Whether no other process has asked this before: whoever ends first says why, and the others end silently."""
    if processes() == 1:
        return True
    from torch.distributed import TCPStore  # type: ignore[attr-defined] # here, as most commands end without waiting for torch

    store = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False)
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return int(store.add(f"scalereid/ended/{attempt}", 1)) == 1


def _number(name: str, alone: int) -> int:
    return int(os.environ.get(name, alone)) if "TORCHELASTIC_RUN_ID" in os.environ else alone
