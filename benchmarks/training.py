"""Training steps: images per second of each way to take them, in turn, as ratios to the first.

python benchmarks/training.py [BACKBONE] [HEIGHT] [WIDTH] [DEVICE]

On a CPU: memory layout, precision and allocator setting. On a GPU: precision, and steps captured as a CUDA graph or not.
"""

import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch

from scalereid.memory import keep_freed_memory
from scalereid.process import choose_device
from scalereid.runs.recipe import ModelSettings, OptimizerSettings, Recipe
from scalereid.runs.wiring import wire
from scalereid.training import Precision
from scalereid.training.captured import CapturedStep
from scalereid.training.state import TrainingState
from scalereid.training.step import OrdinaryStep

BATCH, ROUNDS = 64, 3
CPU_STEPS, GPU_STEPS = 5, 40
KEEP = "freed memory kept"
CPU_VARIANTS = list(
    itertools.product(("default allocator", KEEP), ("contiguous", "channels-last"), ("float32", "bfloat16"))
)
GPU_VARIANTS: list[tuple[Literal["eager", "captured"], Precision]] = [
    ("eager", "float32"),
    ("eager", "bfloat16"),
    ("captured", "float32"),
    ("captured", "bfloat16"),
]


def timed_step(
    backbone: str, size: tuple[int, int], device: torch.device, precision: Precision, *, capture: bool = False
) -> tuple[TrainingState, Callable[[], object]]:
    """The state of a training, and a function that takes a step of it on random images."""
    recipe = Recipe(model=ModelSettings(backbone=backbone), optimizer=OptimizerSettings(lr=0.001, precision=precision))
    state = wire(recipe, np.arange(751), device).state
    ordinary = OrdinaryStep(state, precision=precision)
    step = CapturedStep(ordinary, state) if capture else ordinary
    step.begin_epoch()
    state.set_learning_rate(0.001)
    images, labels = torch.randn(BATCH, 3, *size, device=device), torch.randint(0, 751, (BATCH,), device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    return state, lambda: state.sums.copy_(step(images, labels))


def seconds_on_cpu(backbone: str, size: tuple[int, int], layout: str, precision: Precision) -> float:
    state, take = timed_step(backbone, size, torch.device("cpu"), precision)
    if layout == "contiguous":
        state.model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    for number in range(2 + CPU_STEPS):
        if number == 2:
            started = time.perf_counter()
        take()
    return (time.perf_counter() - started) / CPU_STEPS


def on_cpu(backbone: str, size: tuple[int, int]) -> dict[tuple[str, ...], list[float]]:
    times: dict[tuple[str, ...], list[float]] = {variant: [] for variant in CPU_VARIANTS}
    for _, variant in itertools.product(range(ROUNDS), CPU_VARIANTS):
        # Each in a process of its own: the allocator keeps its setting.
        command = [sys.executable, __file__, "--one", backbone, *map(str, size), *variant]
        times[variant].append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    return times


def on_gpu(backbone: str, size: tuple[int, int], device: torch.device) -> dict[tuple[str, ...], list[float]]:
    times: dict[tuple[str, ...], list[float]] = {variant: [] for variant in GPU_VARIANTS}
    for _, (how, precision) in itertools.product(range(ROUNDS), GPU_VARIANTS):
        _, take = timed_step(backbone, size, device, precision, capture=how == "captured")
        for number in range(10 + GPU_STEPS):
            if number == 10:
                torch.cuda.synchronize()
                started = time.perf_counter()
            take()
        torch.cuda.synchronize()
        times[how, precision].append((time.perf_counter() - started) / GPU_STEPS)
    return times


def main(backbone: str = "osnet_x0_25", height: str = "256", width: str = "128", device_name: str = "auto") -> None:
    size, device = (int(height), int(width)), choose_device(device_name)
    times = on_cpu(backbone, size) if device.type == "cpu" else on_gpu(backbone, size, device)
    machine = torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{backbone}, {height}×{width}, batch {BATCH}, {machine}, torch {torch.__version__}")
    base = next(iter(times.values()))
    for variant, seconds in times.items():
        ratio = statistics.median(b / s for b, s in zip(base, seconds, strict=True))
        print(f"{', '.join(variant)}: {BATCH / statistics.median(seconds):,.0f} images/s, {ratio:.2f} times the first")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _, _, backbone, height, width, keep, layout, precision = sys.argv
        if keep == KEEP:
            keep_freed_memory()
        print(seconds_on_cpu(backbone, (int(height), int(width)), layout, precision))  # type: ignore[arg-type]
    else:
        main(*sys.argv[1:])
