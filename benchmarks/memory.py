"""Memory and time of a training step: as it is, with activation checkpointing, and with a batch in parts.

python benchmarks/memory.py [BACKBONE] [HEIGHT] [WIDTH] [BATCH] [DEVICE]

Each variant is measured in a process of its own: on a CPU the largest resident memory of a few steps beyond that before them,
where freed tensors are given back to the system at once; on a GPU the most that torch had allocated, in uncaptured steps.
"""

import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
import torch

from scalereid.process import choose_device
from scalereid.runs.recipe import DataSettings, ModelSettings, OptimizerSettings, Recipe
from scalereid.runs.wiring import wire
from scalereid.training.step import OrdinaryStep

PEOPLE, STEPS = 751, 3
GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536"}  # of glibc: larger blocks are mapped, and unmapped when they are freed
DEFAULTS = ["osnet_x1_0", "256", "128", "64", "auto"]
VARIANTS: dict[str, tuple[bool, int]] = {  # checkpointing, parts
    "as it is": (False, 1),
    "checkpointing": (True, 1),
    "in 4 parts": (False, 4),
    "checkpointing, in 4 parts": (True, 4),
}


def measure(
    backbone: str, size: tuple[int, int], batch: int, device: torch.device, variant: str
) -> tuple[float, float]:
    """MiB beyond model and batch, and seconds of a step."""
    checkpointing, parts = VARIANTS[variant]
    recipe = Recipe(
        data=DataSettings(image_size=size, batch_size=batch),
        model=ModelSettings(backbone=backbone, checkpointing=checkpointing),
        optimizer=OptimizerSettings(accumulate=parts),
    )
    state = wire(recipe, np.arange(max(PEOPLE, batch)) % PEOPLE, device).state
    step = OrdinaryStep(state, accumulate=parts)
    step.begin_epoch()
    images = torch.randn(batch, 3, *size).to(device, memory_format=torch.channels_last)
    labels = torch.arange(batch, device=device) % PEOPLE
    before = largest(device)
    seconds = []
    for _ in range(STEPS):
        started = time.perf_counter()
        float(step(images, labels).sum())  # waits for a GPU
        seconds.append(time.perf_counter() - started)
    return largest(device) - before, min(seconds)


def largest(device: torch.device) -> float:
    """The most memory so far, in MiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main() -> None:
    words = [*sys.argv[1:6], *DEFAULTS[len(sys.argv[1:6]) :]]
    if len(sys.argv) == 7:
        backbone, height, width, batch, device = words
        print(json.dumps(measure(backbone, (int(height), int(width)), int(batch), choose_device(device), sys.argv[6])))
        return
    print(f"{' '.join(words)}: memory beyond model and batch, and time of a step")
    for variant in VARIANTS:
        command = [sys.executable, __file__, *words, variant]
        done = subprocess.run(command, env=os.environ | GIVE_BACK, stdout=subprocess.PIPE, text=True, check=True)
        mebibytes, seconds = json.loads(done.stdout)
        print(f"{variant:<26} {mebibytes:8,.0f} MiB {seconds:8.2f} s", flush=True)


if __name__ == "__main__":
    main()
