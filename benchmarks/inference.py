"""How fast models embed: every runtime and precision on this machine, against torch's eager model.

    python benchmarks/inference.py [--threads N] [--rounds N] [--batches 1 8 64] [--models NAME …] [--write]
    python benchmarks/inference.py --device cuda --batches 1 8 32 128 [--write]
    python benchmarks/inference.py --files FOLDER --threads 2 [--write]

Random weights, 256×128, RGB pixels in memory. Each round measures every combination once, in turn, so that a busy machine
slows all of them; figures are medians, ratios are to torch's eager model (NCHW, batch norms not fused), which is what
torchreid runs; where torchreid is installed, to its own model. With --files, from the JPEG files below a folder to embeddings,
against the same runtime on pixels in memory. --write puts the tables into docs/benchmarks.md.
"""

import argparse
import importlib.util
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import page
import torch

from scalereid.data.augmentation import normalise
from scalereid.data.toy import draw_toy
from scalereid.inference.embedder import Embedder
from scalereid.inference.export.exporting import export
from scalereid.inference.quantization import quantize
from scalereid.inference.runtimes import RUNTIMES
from scalereid.models.building import build_model
from scalereid.models.fusing import fuse_batch_norms
from scalereid.models.merging import merge_streams
from scalereid.runs.checkpoint import save_model
from scalereid.runs.facts import TrainedFacts
from scalereid.runs.recipe import ModelSettings, Recipe

MODELS = ("osnet_x1_0", "osnet_x0_25", "dslnet")
EAGER = "torch, eager"
Run = Callable[[Any], Any]


def on_pixels(model: Any, device: str, layout: Any = torch.contiguous_format) -> Run:
    model = model.to(device, memory_format=layout)

    @torch.inference_mode()
    def run(pixels: Any) -> Any:
        images = normalise(torch.from_numpy(pixels).to(device)).contiguous(memory_format=layout)
        return model(images).cpu().numpy()

    return run


def eager(name: str) -> Any:
    """The model without any change."""
    if importlib.util.find_spec("torchreid") and name != "dslnet":
        from torchreid import models  # type: ignore[import-not-found]

        return models.build_model(name, num_classes=751, pretrained=False).eval()
    return build_model(name).eval()


def contenders(name: str, folder: Path, device: str) -> dict[str, Run]:
    torch.manual_seed(0)
    file, model = folder / f"{name}.safetensors", build_model(name).eval()
    save_model(file, model, Recipe(model=ModelSettings(backbone=name)), TrainedFacts())
    found: dict[str, Run] = {EAGER: on_pixels(eager(name), device)}
    if device == "cpu":
        if variant := merge_streams(fuse_batch_norms(model)):
            found["torch, float32, streams merged"] = on_pixels(variant, device, torch.channels_last)
        export(str(file), folder / f"{name}.pt2", format="aotinductor")
        found["torch, float32, aotinductor"] = Embedder(folder / f"{name}.pt2", run_code=True).runtime
        quantize(str(file), folder / f"{name}.xml", data=folder / "people", dataset="csv", force=True)
    for runtime, kind in RUNTIMES.items():
        for precision in kind.precisions.get(device, ()):
            source = folder / f"{name}.xml" if precision == "int8" else str(file)
            try:
                made = Embedder(source, runtime=runtime, precision=precision, device=device)
                found[f"{runtime}, {precision}"] = made.runtime
            except ValueError as error:  # random weights are hard on half precision
                warnings.warn(str(error), stacklevel=1)
    return found


def table(name: str, batches: list[int], rounds: int, folder: Path, device: str) -> str:
    runs = contenders(name, folder, device)
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
    heads = [f"batch {batch}" + (", ms" if batch == 1 else ", images/s") for batch in batches]
    lines = [f"| {name} | " + " | ".join(heads) + " |", "|---" * (1 + len(batches)) + "|"]
    for label in runs:
        cells = []
        for batch in batches:
            rate, base = (statistics.median(rates[which, batch]) for which in (label, EAGER))
            cells.append((f"{1000 / rate:.2f}" if batch == 1 else f"{rate:,.0f}") + f" ({rate / base:.2f})")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def files_table(models: list[str], rounds: int, below: Path, folder: Path, threads: int) -> str:
    """Rates from files, and from pixels in memory with the batches and threads that are best for the runtime."""
    files = sorted(below.rglob("*.jpg"))[:2_000]
    lines = [
        f"| {threads} threads, images/s | pixels in memory | JPEG files | share |",
        "|---|---|---|---|",
    ]
    for name in models:
        torch.manual_seed(0)
        file = folder / f"{name}.safetensors"
        save_model(file, build_model(name).eval(), Recipe(model=ModelSettings(backbone=name)), TrainedFacts())
        choices: list[tuple[Any, Any]] = [("openvino", "float32"), ("openvino", "bfloat16"), ("onnxruntime", "float32")]
        for runtime, precision in choices:
            embedder = Embedder(str(file), runtime=runtime, precision=precision)
            embedder.warm_up()
            some = files if "x0_25" in name else files[:500]
            pairs = [(in_memory(embedder, len(some)), from_files(embedder, some)) for _ in range(rounds)]
            own, read = (statistics.median(column) for column in zip(*pairs, strict=True))
            share = statistics.median(b / a for a, b in pairs)
            lines.append(f"| {name}, {runtime}, {precision} | {own:,.0f} | {read:,.0f} | {share:.2f} |")
    return "\n".join(lines) + "\n"


def in_memory(embedder: Embedder, images: int) -> float:
    pixels = np.random.default_rng(0).integers(0, 256, (embedder.batch_size, 256, 128, 3), dtype=np.uint8)
    times = images // embedder.batch_size
    started = time.perf_counter()
    with ThreadPoolExecutor(embedder.runtime.workers) as pool:
        list(pool.map(lambda _: embedder.embed_pixels(pixels, concurrent=True), range(times)))
    return times * embedder.batch_size / (time.perf_counter() - started)


def from_files(embedder: Embedder, files: list[Path]) -> float:
    started = time.perf_counter()
    embedder(files)
    return len(files) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--models", nargs="+", default=[*MODELS], choices=MODELS)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--files", type=Path)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if given.files:
            name, tables = "files", files_table(given.models, given.rounds, given.files, folder, given.threads)
        else:
            name = "inference" if given.device == "cpu" else "inference on a GPU"
            draw_toy(folder / "people", train_people=10, test_people=4)
            arguments = given.batches, given.rounds, folder, given.device
            tables = "\n".join(table(model, *arguments) for model in given.models)
    print(tables)
    if given.write:
        page.write(name, tables)


if __name__ == "__main__":
    main()
