"""Search steps: time and memory of the super-network's two modes beside the OSNet it is made of, in turn.

python benchmarks/search.py [WIDTH] [HEIGHT] [IMAGE_WIDTH] [BATCH] [DEVICE]
"""

import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from scalereid.memory import keep_freed_memory
from scalereid.process import choose_device
from scalereid.runs.recipe import ModelSettings, OptimizerSettings, Recipe
from scalereid.runs.wiring import wire
from scalereid.training.captured import CapturedStep

NETS = ("osnet_x1_0", "osnet_supernet", "osnet_supernet_sampled")
STEPS, ROUNDS = 5, 3


def one(backbone: str, width: float, size: tuple[int, int], batch: int, device: torch.device) -> tuple[float, float]:
    """Seconds per step, and the peak of memory in MB beyond what the model and its optimizer take."""
    recipe = Recipe(model=ModelSettings(backbone=backbone, width=width), optimizer=OptimizerSettings(lr=0.001))
    wired = wire(recipe, np.arange(751), device)
    step = wired.step.step if isinstance(wired.step, CapturedStep) else wired.step
    step.begin_epoch()
    images, labels = torch.randn(batch, 3, *size, device=device), torch.randint(0, 751, (batch,), device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    before = peak(device)
    for number in range(2 + STEPS):
        if number == 2:
            started = time.perf_counter()
        step(images, labels).sum().item()
    return (time.perf_counter() - started) / STEPS, peak(device) - before


def peak(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1e3 if found else float("nan")


def main(
    width: str = "0.25", height: str = "128", image_width: str = "64", batch: str = "64", device: str = "auto"
) -> None:
    measured: dict[str, list[tuple[float, float]]] = {net: [] for net in NETS}
    for _ in range(ROUNDS):
        for net in NETS:  # each in a process of its own: peaks of memory do not fall
            command = [sys.executable, __file__, "--one", net, width, height, image_width, batch, device]
            printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            seconds, memory = map(float, printed.split())
            measured[net].append((seconds, memory))
    print(f"width {width}, {height}×{image_width}, batch {batch}, {choose_device(device)}")
    base = measured["osnet_supernet"]
    for net, runs in measured.items():
        seconds, memory = (statistics.median(values) for values in zip(*runs, strict=True))
        times = statistics.median(own[0] / other[0] for own, other in zip(runs, base, strict=True))
        memories = statistics.median(own[1] / other[1] for own, other in zip(runs, base, strict=True))
        print(f"{net}: {1000 * seconds:.0f} ms per step ({times:.2f}), {memory:,.0f} MB ({memories:.2f})")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _, _, net, width, height, image_width, batch, device = sys.argv
        keep_freed_memory()
        print(*one(net, float(width), (int(height), int(image_width)), int(batch), choose_device(device)))
    else:
        main(*sys.argv[1:])
