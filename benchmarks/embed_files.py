"""Memory of `scalereid embed` over a million images in one job.

    python benchmarks/embed_files.py MODEL FOLDER [--images 1000000] [--precision bfloat16] [--write]

The JPEG files below the folder are repeated in a table until there are `--images` of them. Memory is what the process holds
(VmRSS), read twice a second.
"""

import argparse
import csv
import itertools
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import page

PARTS = 10


def held(process: int) -> int:
    """MB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(found[1]) // 1024 if found else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    files = sorted(given.folder.absolute().rglob("*.jpg"))
    with tempfile.TemporaryDirectory() as temporary:
        table, out = Path(temporary) / "all.csv", Path(temporary) / "all.parquet"
        with table.open("w", newline="") as lines:
            writer = csv.writer(lines)
            writer.writerow(["split", "path", "pid", "camid"])
            writer.writerows(["gallery", file, 1, 1] for file in itertools.islice(itertools.cycle(files), given.images))
        scalereid = str(Path(sys.executable).with_name("scalereid"))
        command = [scalereid, "embed", given.model, str(table), "--out", str(out), "--precision", given.precision]
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=sys.stderr)
        peaks = [0] * (PARTS + 1)  # the last: putting the shards together
        shards = -(-given.images // 4_096)
        while process.poll() is None:
            done = len(list(out.with_name(out.name + ".shards").glob("*.npz")))
            part = PARTS * done // shards
            try:
                peaks[part] = max(peaks[part], held(process.pid))
            except FileNotFoundError:
                break
            time.sleep(0.5)
        if process.wait():
            sys.exit(f"scalereid embed failed: {process.returncode}")
        minutes = (time.monotonic() - started) / 60
        size = out.stat().st_size / 1024**2
    heads = [f"{100 * i // PARTS}–{100 * (i + 1) // PARTS} %" for i in range(PARTS)] + ["at the end"]
    text = (
        f"| of {given.images:,} images | " + " | ".join(heads) + " |\n" + "|---" * (2 + PARTS) + "|\n"
        "| MB, at most | " + " | ".join(str(peak) for peak in peaks) + " |\n\n"
        f"{minutes:.1f} minutes, {given.images / minutes / 60:,.0f} images a second; the file has {size:,.0f} MB.\n"
    )
    print(text)
    if given.write:
        page.write("embed files", text)


if __name__ == "__main__":
    main()
