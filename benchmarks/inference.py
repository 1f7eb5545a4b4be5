"""How fast models embed: every runtime and precision on this machine, beside torchreid's own network in the same run.

    TORCHREID=FOLDER python benchmarks/inference.py [--threads N] [--rounds N] [--batches 1 8 64] [--models NAME …]
        [--rows "openvino, float32" …] [--write]
    python benchmarks/inference.py --device cuda --batches 1 8 32 128 [--write]
    python benchmarks/inference.py --files FOLDER --threads 2 [--write]

Random weights, 256×128, RGB pixels in memory. Each round measures every combination once, in turn, so that a busy machine
slows all of them; figures are medians, of CPU seconds with one thread. The two ratios in brackets are to torchreid as it is
used (the allocator's default, the same batch) and at its best (freed memory kept, and batches of 16 wherever there is more
than one image); its time leaves out normalising. TORCHREID names the folder of its unpacked sdist. Without it, on a GPU and for
DSLNet there is one ratio, to torch's eager model (NCHW, batch norms not fused). --rows measures only the rows of these names.
With --files, from the JPEG files below a folder to embeddings, against the same runtime on pixels in memory. --write puts
the tables into docs/benchmarks.md.
"""

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import page
import torch
import torchreid_peer as peer

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
AS_USED, AT_BEST = "torchreid, as it is used", "torchreid, at its best"
Run = Callable[[Any], Any]  # pixels (b, height, width, 3) to embeddings
Timed = Callable[[int, int], float]  # the size of a batch and the number of batches to seconds


def on_pixels(model: Any, device: str, layout: Any = torch.contiguous_format) -> Run:
    model = model.to(device, memory_format=layout)

    @torch.inference_mode()
    def run(pixels: Any) -> Any:
        images = normalise(torch.from_numpy(pixels).to(device)).contiguous(memory_format=layout)
        return model(images).cpu().numpy()

    return run


def contenders(name: str, folder: Path, device: str) -> Iterator[tuple[str, Callable[[], Run | None]]]:
    """Labels, and functions that make what is measured."""
    torch.manual_seed(0)
    model = peer.ours(name) if device == "cpu" and peer.has(name) else build_model(name).eval()
    file = folder / f"{name}.safetensors"
    save_model(file, model, Recipe(model=ModelSettings(backbone=name)), TrainedFacts())
    yield EAGER, lambda: on_pixels(build_model(name).eval(), device)
    if device == "cpu":
        yield "torch, float32, streams merged", lambda: merged(model)
        yield "torch, float32, aotinductor", lambda: compiled(file)
    for runtime, kind in RUNTIMES.items():
        for precision in kind.precisions.get(device, ()):
            yield f"{runtime}, {precision}", partial(opened, file, runtime, precision, device)


def merged(model: Any) -> Run | None:
    variant = merge_streams(fuse_batch_norms(model))
    return on_pixels(variant, "cpu", torch.channels_last) if variant else None


def compiled(file: Path) -> Run:
    export(str(file), file.with_suffix(".pt2"), format="aotinductor")
    return Embedder(file.with_suffix(".pt2"), run_code=True).runtime


def opened(file: Path, runtime: str, precision: Any, device: str) -> Run | None:
    if precision == "int8":
        weights, file = file, file.with_suffix(".xml")
        quantize(str(weights), file, data=file.parent / "people", dataset="csv", force=True)
    try:
        return Embedder(str(file), runtime=runtime, precision=precision, device=device).runtime
    except ValueError as error:  # random weights are hard on half precision
        warnings.warn(str(error), stacklevel=1)
        return None


def timed(run: Run, clock: Callable[[], float]) -> Timed:
    rng = np.random.default_rng(0)

    def seconds(batch: int, times: int) -> float:
        pixels = rng.integers(0, 256, (batch, 256, 128, 3), dtype=np.uint8)
        started = clock()
        for _ in range(times):
            run(pixels)
        return clock() - started

    return seconds


def torchreids(name: str, threads: int, stack: ExitStack) -> dict[str, Timed]:
    """Its network in two processes, as an allocator's setting is the process's."""

    def of(keep: bool) -> Timed:
        process = stack.enter_context(peer.in_own_process(threads=threads, keep=keep))
        return lambda batch, times: process.submit(peer.seconds, name, batch, times, threads).result()

    return {AS_USED: of(keep=False), AT_BEST: of(keep=True)}


def table(name: str, given: argparse.Namespace, folder: Path) -> str:
    clock = peer.clock_for(given.threads) if given.device == "cpu" else time.perf_counter
    with ExitStack() as stack:
        runs = torchreids(name, given.threads, stack) if given.device == "cpu" and peer.has(name) else {}
        bases = [*runs] or [EAGER]
        for label, make in contenders(name, folder, given.device):
            wanted = label in bases or not given.rows or label in given.rows
            if wanted and (run := make()):
                runs[label] = timed(run, clock)
        rates: dict[tuple[str, int], list[float]] = {}
        for turn in range(given.rounds + 1):
            for batch in given.batches:
                for label, seconds in runs.items():
                    together = 16 if label == AT_BEST and batch > 1 else batch
                    times = max(1, 16 // together)
                    rate = times * together / seconds(together, times)
                    if turn:  # the first one warms up
                        rates.setdefault((label, batch), []).append(rate)
    heads = [f"batch {batch}" + (", ms" if batch == 1 else ", images/s") for batch in given.batches]
    lines = [f"| {name} | " + " | ".join(heads) + " |", "|---" * (1 + len(heads)) + "|"]
    for label in runs:
        cells = []
        for batch in given.batches:
            rate = statistics.median(rates[label, batch])
            ratios = ", ".join(f"{rate / statistics.median(rates[base, batch]):.2f}" for base in bases)
            cells.append((f"{1000 / rate:.2f}" if batch == 1 else f"{rate:,.0f}") + f" ({ratios})")
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
    parser.add_argument("--rows", nargs="+", default=[])
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
            tables = "\n".join(table(model, given, folder) for model in given.models)
    print(tables if peer.given() or given.files else f"{peer.LEFT_OUT}\n\n{tables}")
    if given.write:
        page.write(name, tables)


if __name__ == "__main__":
    main()
