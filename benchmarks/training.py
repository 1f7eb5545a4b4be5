"""Training steps: images a second of each way to take them, in turn, as ratios to the first.

python benchmarks/training.py [BACKBONE] [HEIGHT] [WIDTH] [DEVICE]

On a CPU: memory layout, precision and allocator setting. On a GPU: precision, and steps recorded or not.
"""

import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from scalereid.assembly import build_model, build_training
from scalereid.process import choose_device, keep_freed_memory
from scalereid.recipe import ModelSettings, OptimizerSettings, Recipe
from scalereid.training.step import Precision, TrainingStep

BATCH, ROUNDS = 64, 3
CPU_STEPS, GPU_STEPS = 5, 40
KEEP = "freed memory kept"
CPU_VARIANTS = list(
    itertools.product(("default allocator", KEEP), ("contiguous", "channels-last"), ("float32", "bfloat16"))
)
GPU_VARIANTS = list(itertools.product(("unrecorded", "recorded"), ("float32", "bfloat16")))


def timed_step(
    backbone: str, size: tuple[int, int], device: torch.device, precision: Precision
) -> tuple[TrainingStep, Callable[[], torch.Tensor]]:
    """A training step, and a function that takes it once on random images."""
    recipe = Recipe(model=ModelSettings(backbone=backbone), optimizer=OptimizerSettings(lr=0.001, precision=precision))
    training = build_training(recipe, build_model(backbone), 751, device)
    training.model.train()
    images, labels = torch.randn(BATCH, 3, *size, device=device), torch.randint(0, 751, (BATCH,), device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    step = TrainingStep(training, precision)
    return step, lambda: training.sums.copy_(step(images, labels, rate=0.001, phase=0))


def seconds_on_cpu(backbone: str, size: tuple[int, int], layout: str, precision: Precision) -> float:
    step, take = timed_step(backbone, size, torch.device("cpu"), precision)
    if layout == "contiguous":
        step.training.model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
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
    for _, variant in itertools.product(range(ROUNDS), GPU_VARIANTS):
        recorded, precision = variant
        step, take = timed_step(backbone, size, device, precision)  # type: ignore[arg-type]
        step.recordable = recorded == "recorded"
        for number in range(10 + GPU_STEPS):
            if number == 10:
                torch.cuda.synchronize()
                started = time.perf_counter()
            take()
        torch.cuda.synchronize()
        times[variant].append((time.perf_counter() - started) / GPU_STEPS)
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
