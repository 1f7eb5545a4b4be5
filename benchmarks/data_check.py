"""How fast a dataset is checked: headers and copies alone, and every pixel decoded.

    python benchmarks/data_check.py [IMAGES]

Writes IMAGES JPEG files of 128×64 (by default 100,000: 300 MB), all different, into a temporary folder, reads them with
market-names and checks them. Prints a row for the table in docs/benchmarks.md.
"""

import io
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from scalereid.data.check import check
from scalereid.data.readers.market_names import read_market_names
from scalereid.data.toy.camera import CAMERAS, photograph
from scalereid.data.toy.people import draw_people


def write_images(folder: Path, images: int) -> None:
    rng = np.random.default_rng(0)
    person = draw_people(1, rng)[0]
    encoded = []
    for _ in range(8):
        file = io.BytesIO()
        photograph(person, CAMERAS[0], rng).resize((64, 128)).save(file, "jpeg", quality=90)
        encoded.append(file.getvalue())
    for i in range(images):  # bytes after the end of a JPEG are ignored, and make it another file
        (folder / f"{1 + i // 20:06d}_c{i % 6}_{i}.jpg").write_bytes(encoded[i % 8] + str(i).encode())


def main() -> None:
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), images)
        started = time.perf_counter()
        dataset = read_market_names(Path(folder))
        read = time.perf_counter() - started
        seconds = {}
        for decode in (False, True):
            started = time.perf_counter()
            findings = check(dataset, decode=decode)
            seconds[decode] = time.perf_counter() - started
            assert [finding.severity for finding in findings] == ["note"]  # there are no query and gallery images
        print(f"| {images:,} | {read:.1f} s | {seconds[False]:.1f} s | {seconds[True]:.1f} s |")


if __name__ == "__main__":
    main()
