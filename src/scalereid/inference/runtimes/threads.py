"""How many threads a network may use."""

import os
import sys
from pathlib import Path


def threads() -> int:
    """Number of threads to compute with: torch's where that is imported, which `torch.set_num_threads` changes.

    Otherwise what torch would take: the cores on which this process may run, at most as many as MKL_NUM_THREADS or
    OMP_NUM_THREADS in the environment says.
    """
    if torch := sys.modules.get("torch"):
        return int(torch.get_num_threads())
    for name in ("MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        given = os.environ.get(name, "").partition(",")[0].strip()
        if given.isdecimal() and int(given):
            return min(int(given), _cores())
    return _cores()


def _cores() -> int:
    """Number of cores on which this process may run; two threads of one core count once."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return len({_siblings(cpu) for cpu in os.sched_getaffinity(0)})


def _siblings(cpu: int) -> str:
    """The logical processors of the core of this one."""
    try:
        return Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list").read_text()
    except OSError:  # the system does not tell
        return str(cpu)
