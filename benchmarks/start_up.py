"""How long imports, help and lists take, and an `Embedder` to start: CPU seconds of whole processes, beside `import torch`.

python benchmarks/start_up.py [MODEL …]

With models (runs, weights, exported files), their first start with an empty cache folder, and later ones.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 3
IMPORTS = (
    "import torch",
    "import numpy, PIL.Image",
    "import onnxruntime",
    "import openvino",
    "from scalereid import Embedder",
)
COMMANDS = (
    ["--help"], ["models"], ["recipes"], ["datasets"], ["completion"], ["embed", "--help"], ["evaluate", "--help"],
    ["train", "toy", "--help"],
)  # fmt: skip
START = """
import sys, time
import numpy as np
if not sys.argv[1].endswith((".onnx", ".xml")):
    import scalereid.runs.checkpoint, onnxruntime, openvino
from scalereid import Embedder
begun = time.process_time()
embedder = Embedder(sys.argv[1])
started = time.process_time()
embedder(np.zeros((1, *embedder.metadata.image_size, 3), np.uint8))
print(embedder.runtime.name, started - begun, time.process_time() - started)
"""


def used(words: list[str]) -> tuple[float, float]:
    """CPU seconds of a Python process, and its largest resident memory in MB."""
    silent = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    pid = os.posix_spawn(sys.executable, [sys.executable, *words], os.environ, file_actions=silent)
    _, _, usage = os.wait4(pid, 0)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def medians(words: list[str]) -> tuple[float, float]:
    """The medians of a few rounds."""
    seconds, memory = zip(*(used(words) for _ in range(ROUNDS)), strict=True)
    return statistics.median(seconds), statistics.median(memory)


def main() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    calls = {line: ["-c", line] for line in IMPORTS}
    calls |= {f"scalereid {' '.join(words)}": ["-m", "scalereid", *words] for words in COMMANDS}
    print("| | CPU seconds | of `import torch` | memory |\n|---|---|---|---|")
    whole, _ = medians(calls["import torch"])
    for name, words in calls.items():
        seconds, memory = medians(words)
        print(f"| `{name}` | {seconds:.2f} | {seconds / whole:.2f} | {memory:.0f} MB |", flush=True)
    print("\n| | runtime | start | first image |\n|---|---|---|---|")
    for model in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"SCALEREID_CACHE": folder}
            for start in ("first", "second", "third"):
                call = [sys.executable, "-c", START, model]
                done = subprocess.run(call, env=environment, check=True, capture_output=True, text=True)
                runtime, begun, image = done.stdout.split()
                name = Path(model).name
                print(f"| {name}, {start} | {runtime} | {float(begun):.2f} | {float(image):.2f} |", flush=True)


if __name__ == "__main__":
    main()
