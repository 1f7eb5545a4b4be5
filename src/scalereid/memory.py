"""The memory allocator of this process."""

import ctypes
import platform


def keep_freed_memory() -> None:
    """Tell glibc not to return large freed blocks to the system between batches. Does nothing elsewhere.

    By default a batch's largest activations are fresh pages each time, which the system must clear first. Without that,
    training in float32 on a CPU is 1.1 to 1.3 times as fast (docs/benchmarks.md).
    """
    if platform.libc_ver()[0] != "glibc":
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # malloc.h's M_… numbers
    libc = ctypes.CDLL(None)
    for parameter, value in ((mmap_threshold, 2**30), (trim_threshold, 2**31 - 1), (top_pad, 64 * 2**20)):
        libc.mallopt(parameter, value)
