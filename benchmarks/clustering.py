"""Time and memory that clustering takes.

    OMP_NUM_THREADS=1 python benchmarks/clustering.py TRACKS

TRACKS embeddings of 512 numbers, of an eighth as many planted people, in 20 cameras, each seen for 5 seconds of twelve days.
"""

import resource
import sys
import time

import numpy as np

from scalereid.gallery.constraints import Constraints, Spans
from scalereid.retrieval.clustering import cluster

SIZE, CAMERAS = 512, 20
SECOND = 1_000_000


def main() -> None:
    number = int(sys.argv[1])
    random = np.random.default_rng(0)
    people = random.standard_normal((number // 8, SIZE), np.float32)
    people /= np.linalg.norm(people, axis=1, keepdims=True)
    embeddings = 0.9 / np.float32(SIZE**0.5) * random.standard_normal((number, SIZE), np.float32)
    embeddings += people[random.integers(0, len(people), number)]
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    starts = random.integers(0, 12 * 24 * 3600 * SECOND, number)
    cameras = random.integers(0, CAMERAS, number)
    spans = Spans(cameras, np.arange(number), starts, starts + 5 * SECOND, tuple(map(str, range(CAMERAS))))
    constraints, began = Constraints(), time.process_time()
    found = cluster(
        embeddings,
        0.6,
        forbidden=lambda one, other: constraints.forbid(spans, one, other),
        together=np.full(number, -1),
    )
    seconds, peak = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{number:,} tracks: {len(found.heights):,} groups of {len(people):,} people, {seconds:.0f} s, {peak:.0f} MB")


if __name__ == "__main__":
    main()
