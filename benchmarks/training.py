"""Training steps: images per second of each way to take them, in turn, as ratios of medians.

[TORCHREID=FOLDER] python benchmarks/training.py [BACKBONE] [HEIGHT] [WIDTH] [DEVICE]

On a CPU: memory layout, precision (bfloat16 where the processor computes it) and allocator setting, beside torchreid's
network where TORCHREID names the folder of its unpacked sdist, with torch's own SGD and cross-entropy with label smoothing.
Ratios are to torchreid as it is used (the allocator's default) and at its best (freed memory kept), otherwise to the first.
With one thread, CPU seconds. On a GPU: precision, and steps captured as a CUDA graph or not.
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
import torchreid_peer as peer
from torch.nn import functional

from scalereid.memory import keep_freed_memory
from scalereid.process import choose_device
from scalereid.processor import computes_bfloat16
from scalereid.runs.recipe import ModelSettings, OptimizerSettings, Recipe
from scalereid.runs.wiring import wire
from scalereid.training import Precision
from scalereid.training.captured import CapturedStep
from scalereid.training.state import TrainingState
from scalereid.training.step import OrdinaryStep

BATCH, ROUNDS = 64, 3
CPU_STEPS, GPU_STEPS = 5, 40
DEFAULT, KEEP = "default allocator", "freed memory kept"
PEER, OURS = "torchreid", "scalereid"
PEER_VARIANTS = [(PEER, keep, "contiguous", "float32") for keep in (DEFAULT, KEEP)]
CPU_VARIANTS = list(
    itertools.product((OURS,), (DEFAULT, KEEP), ("contiguous", "channels-last"), ("float32", "bfloat16"))
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


def torchreids_step(backbone: str, size: tuple[int, int]) -> Callable[[], object]:
    """The step of its engine for cross-entropy: forward, backward, optimizer, and the loss to be logged."""
    model = peer.network(backbone).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, weight_decay=5e-4)
    images, labels = torch.randn(BATCH, 3, *size), torch.randint(0, peer.PEOPLE, (BATCH,))

    def step() -> object:
        loss = functional.cross_entropy(model(images), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss.item()

    return step


def seconds_on_cpu(whose: str, layout: str, precision: Precision, backbone: str, size: tuple[int, int]) -> float:
    if whose == PEER:
        take = torchreids_step(backbone, size)
    else:
        state, take = timed_step(backbone, size, torch.device("cpu"), precision)
        if layout == "contiguous":
            state.model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    clock = peer.clock_for(torch.get_num_threads())
    for number in range(2 + CPU_STEPS):
        if number == 2:
            started = clock()
        take()
    return float(clock() - started) / CPU_STEPS


def on_cpu(backbone: str, size: tuple[int, int]) -> dict[tuple[str, ...], list[float]]:
    variants = [variant for variant in CPU_VARIANTS if variant[-1] == "float32" or computes_bfloat16()]
    if peer.has(backbone):
        variants = PEER_VARIANTS + variants
    times: dict[tuple[str, ...], list[float]] = {variant: [] for variant in variants}
    for _, variant in itertools.product(range(ROUNDS), variants):
        # Each in a process of its own: the allocator keeps its setting.
        command = [sys.executable, __file__, "--one", backbone, *map(str, size), *variant]
        times[variant].append(float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout))
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
    if not peer.given():
        print(peer.LEFT_OUT)
    bases = [variant for variant in times if variant[0] == PEER] or [next(iter(times))]
    for variant, seconds in times.items():
        median = statistics.median(seconds)
        ratios = ", ".join(f"{statistics.median(times[base]) / median:.2f}" for base in bases)
        print(f"{', '.join(variant)}: {BATCH / median:,.0f} images/s, {1000 * median:,.0f} ms a step ({ratios})")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _, _, backbone, height, width, whose, keep, layout, precision = sys.argv
        if keep == KEEP:
            keep_freed_memory()
        print(seconds_on_cpu(whose, layout, precision, backbone, (int(height), int(width))))  # type: ignore[arg-type]
    else:
        main(*sys.argv[1:])
