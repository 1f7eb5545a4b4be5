"""Training steps: images a second by precision, memory layout and allocator setting, in turn, as ratios.

python benchmarks/training.py [BACKBONE] [HEIGHT] [WIDTH] [DEVICE]
"""

import statistics
import subprocess
import sys
import time

import torch

from scalereid.assembly import build_model, build_training
from scalereid.process import choose_device, keep_freed_memory
from scalereid.recipe import ModelSettings, OptimizerSettings, Recipe

BATCH, STEPS, ROUNDS = 64, 5, 3


def seconds_a_step(backbone: str, size: tuple[int, int], device: torch.device, layout: str, precision: str) -> float:
    recipe = Recipe(model=ModelSettings(backbone=backbone), optimizer=OptimizerSettings(lr=0.001))
    training = build_training(recipe, build_model(backbone), 751, device)
    images, labels = torch.randn(BATCH, 3, *size, device=device), torch.randint(0, 751, (BATCH,), device=device)
    memory_format = torch.channels_last if layout == "channels-last" else torch.contiguous_format
    training.model.to(memory_format=memory_format)  # type: ignore[call-overload]
    images = images.contiguous(memory_format=memory_format)
    for step in range(2 + STEPS):
        if step == 2:
            started = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            losses = training.objective(training.model(images), labels)
        training.optimizer.zero_grad()
        losses.total.backward()
        training.optimizer.step()
        losses.total.item()
    return (time.perf_counter() - started) / STEPS


def main(backbone: str = "osnet_x0_25", height: str = "256", width: str = "128", device: str = "auto") -> None:
    variants = [
        (layout, precision, keep)
        for keep in ("default allocator", "freed memory kept")
        for layout in ("contiguous", "channels-last")
        for precision in ("float32", "bfloat16")
    ]
    times: dict[tuple[str, str, str], list[float]] = {variant: [] for variant in variants}
    for _ in range(ROUNDS):
        for variant in variants:  # each in a process of its own: the allocator keeps its setting
            command = [sys.executable, __file__, "--one", backbone, height, width, device, *variant]
            times[variant].append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    base = times[variants[0]]
    print(f"{backbone}, {height}×{width}, batch {BATCH}, {choose_device(device)}, {torch.get_num_threads()} threads")
    for variant, seconds in times.items():
        ratio = statistics.median(b / s for b, s in zip(base, seconds, strict=True))
        print(f"{', '.join(variant)}: {BATCH / statistics.median(seconds):,.0f} images/s, {ratio:.2f} times the first")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _, _, backbone, height, width, device, layout, precision, keep = sys.argv
        if keep == "freed memory kept":
            keep_freed_memory()
        print(seconds_a_step(backbone, (int(height), int(width)), choose_device(device), layout, precision))
    else:
        main(*sys.argv[1:])
