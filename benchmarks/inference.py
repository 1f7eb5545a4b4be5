"""How fast models embed: every runtime and precision here, for one image and for batches, against torch as it is.

    python benchmarks/inference.py [--threads N] [--rounds N] [--batches 1 8 64] [--models NAME …] [--write]

Random weights, 256×128, RGB pixels in memory. Each round measures every combination once, in turn, so that a busy machine
slows all of them; figures are medians of images a second, ratios are to torch's eager model (NCHW, nothing folded), which is
what torchreid runs. Where torchreid is importable its own model is that one. --write puts the tables into docs/benchmarks.md.
"""

import argparse
import importlib.util
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scalereid.assembly import build_model
from scalereid.checkpoint import save_model
from scalereid.data.augmentation import normalise
from scalereid.inference.embedder import Embedder
from scalereid.inference.runtimes import PRECISIONS
from scalereid.recipe import ModelSettings, Recipe

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
MODELS = ("osnet_x1_0", "osnet_x0_25", "dslnet")
Run = Callable[[Any], Any]


def eager(name: str) -> Run:
    """The model as it is, in torch."""
    if importlib.util.find_spec("torchreid") and name != "dslnet":
        from torchreid import models  # type: ignore[import-not-found]

        model: Any = models.build_model(name, num_classes=751, pretrained=False).eval()
    else:
        model = build_model(name).eval()

    @torch.inference_mode()
    def run(pixels: Any) -> Any:
        return model(normalise(torch.from_numpy(pixels)).contiguous()).numpy()

    return run


def contenders(name: str, folder: Path) -> dict[str, Run]:
    torch.manual_seed(0)
    file = folder / f"{name}.safetensors"
    save_model(file, model=build_model(name), recipe=Recipe(model=ModelSettings(backbone=name)), about={})
    found: dict[str, Run] = {"torch, eager": eager(name)}
    for runtime, devices in PRECISIONS.items():
        for precision in devices.get("cpu", ()):
            try:
                found[f"{runtime}, {precision}"] = Embedder(str(file), runtime=runtime, precision=precision).runtime
            except ValueError as error:  # random weights are hard on half precision
                warnings.warn(str(error), stacklevel=1)
    return found


def table(name: str, batches: list[int], rounds: int, folder: Path) -> str:
    runs = contenders(name, folder)
    rng = np.random.default_rng(0)
    rates: dict[tuple[str, int], list[float]] = {}
    for turn in range(rounds + 1):
        for batch in batches:
            pixels = rng.integers(0, 256, (batch, 256, 128, 3), dtype=np.uint8)
            for label, run in runs.items():
                times = max(1, 16 // batch)
                started = time.perf_counter()
                for _ in range(times):
                    run(pixels)
                if turn:  # the first one warms up
                    rates.setdefault((label, batch), []).append(times * batch / (time.perf_counter() - started))
    lines = [
        f"| {name} | " + " | ".join(f"batch {batch}" for batch in batches) + " |",
        "|---" * (1 + len(batches)) + "|",
    ]
    for label in runs:
        cells = []
        for batch in batches:
            rate, base = (statistics.median(rates[which, batch]) for which in (label, "torch, eager"))
            cells.append(f"{rate:,.0f} ({rate / base:.2f})")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--models", nargs="+", default=[*MODELS], choices=MODELS)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        tables = "\n".join(table(name, arguments.batches, arguments.rounds, Path(folder)) for name in arguments.models)
    print(tables)
    if arguments.write:
        begin, end = "<!-- benchmarks/inference.py writes this -->\n", "<!-- to the end of it -->\n"
        page = PAGE.read_text(encoding="utf-8")
        before, after = page[: page.index(begin) + len(begin)], page[page.index(end) :]
        PAGE.write_text(before + "\n" + tables + "\n" + after, encoding="utf-8")


if __name__ == "__main__":
    main()
