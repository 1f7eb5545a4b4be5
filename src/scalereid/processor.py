"""The processor of this machine: what tells it from others, and whether it has instructions for bfloat16."""

import hashlib
import platform
from functools import lru_cache
from pathlib import Path

_BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}  # as Linux calls them, the last on Arm


def fingerprint() -> str:
    """Twelve hexadecimal digits that differ between kinds of processors, and where a system hides some instructions."""
    name, flags = _told()
    return hashlib.sha256("\n".join([platform.machine(), name, *sorted(flags)]).encode()).hexdigest()[:12]


def computes_bfloat16() -> bool:
    """Whether it has instructions for bfloat16, as far as the system tells; without them bfloat16 is slower than float32."""
    return not _BFLOAT16.isdisjoint(_told()[1])


@lru_cache
def _told() -> tuple[str, frozenset[str]]:
    """Name and instruction sets of the first processor."""
    try:
        text = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return platform.processor(), frozenset()
    lines = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
    flags = lines.get("flags") or lines.get("Features", "")  # the latter on Arm
    return lines.get("model name", ""), frozenset(flags.split())
