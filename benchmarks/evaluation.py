"""Scoring at Market-1501's sizes: seconds and memory beyond the embeddings, against the bare matrix product.

python benchmarks/evaluation.py [threads]
"""

import resource
import statistics
import sys
import time

import numpy as np
import torch

import scalereid

QUERIES, GALLERY, PEOPLE, CAMERAS, SIZE = 3_368, 15_913, 751, 6, 512


def main(threads: int = 1) -> None:
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((PEOPLE, SIZE), np.float32)

    def side(number: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        pids = rng.integers(0, PEOPLE, number)
        embeddings = centres[pids] + 2 * rng.standard_normal((number, SIZE), np.float32)
        return torch.from_numpy(embeddings), torch.from_numpy(pids), torch.from_numpy(rng.integers(0, CAMERAS, number))

    query, query_pids, query_camids = side(QUERIES)
    gallery, gallery_pids, gallery_camids = side(GALLERY)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bare, whole = [], []
    for _ in range(5):  # in turn, so that a busy machine slows both
        started = time.process_time()
        scalereid.score(
            query,
            gallery,
            query_pids=query_pids,
            gallery_pids=gallery_pids,
            query_camids=query_camids,
            gallery_camids=gallery_camids,
        )
        whole.append(time.process_time() - started)
        if len(whole) == 1:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        started = time.process_time()
        for start in range(0, QUERIES, 128):
            query[start : start + 128] @ gallery.T
        bare.append(time.process_time() - started)
    print(
        f"{QUERIES:,} × {GALLERY:,}, {SIZE}-d, {threads} thread(s): score {statistics.median(whole):.2f} CPU s "
        f"({min(whole):.2f}–{max(whole):.2f}), bare product {statistics.median(bare):.2f} CPU s, "
        f"{memory / 1024:.0f} MB beyond the embeddings"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
