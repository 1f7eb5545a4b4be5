"""How near a few labelled pairs bring thresholds to those of all pairs.

    python benchmarks/labelled_pairs.py MODEL DATASET FOLDER [--rates 0.01 0.001] [--pairs 100 200 400] [--seeds 20]

The gallery images of a dataset are embedded; pairs from two cameras are drawn as `scalereid label --other-cameras` draws them,
and labelled by the dataset's pids. Prints one row for each number of pairs and each false-match rate.
"""

import argparse
from pathlib import Path

import numpy as np

from scalereid.data.reading import read_dataset
from scalereid.inference.embedder import Embedder
from scalereid.retrieval.calibration import calibrate
from scalereid.retrieval.drawing import draw_pairs
from scalereid.retrieval.pairs import PairDistances, sampled_pair_distances


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("dataset")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.01, 0.001])
    parser.add_argument("--pairs", type=int, nargs="+", default=[100, 200, 400])
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    records = read_dataset(options.dataset, options.folder).gallery
    with Embedder(options.model, runtime="torch") as embedder:
        embeddings = embedder([record.path for record in records])
    pids, camids = np.array([(record.pid, record.camid) for record in records]).T
    first, second = np.triu_indices(len(records), 1)
    apart = camids[first] != camids[second]
    first, second = first[apart], second[apart]
    distances = 1 - np.einsum("nd,nd->n", embeddings[first], embeddings[second])
    same = pids[first] == pids[second]
    everyone = sampled_pair_distances(distances, same, np.ones(len(same))).seen
    print(f"{same.sum():,} pairs of one person and {(~same).sum():,} of two, from two cameras")
    print(
        "| labelled | false-match rate | of all pairs | median | 5th to 95th percentile | 95 % interval | within | real rate |"
    )
    print("|---|---|---|---|---|---|---|---|")
    strangers = np.sort(distances[~same])
    for number in options.pairs:
        found = [labelled(embeddings, pids, camids, number, seed) for seed in range(options.seeds)]
        for rate in options.rates:
            known, points = everyone.threshold(rate).threshold, [pairs.threshold(rate) for pairs in found]
            thresholds = np.array([point.threshold for point in points])
            intervals = np.array([point.interval for point in points])
            within = ((intervals[:, 0] <= known) & (known <= intervals[:, 1])).sum()
            real = np.searchsorted(strangers, thresholds) / len(strangers)
            low, high = np.percentile(thresholds, [5, 95])
            print(
                f"| {number} | {rate:g} | {known:.4f} | {np.median(thresholds):.4f} | {low:.4f} to {high:.4f} | "
                f"± {np.diff(intervals).mean() / 2:.3f} | {within} of {options.seeds} | {real.min():.2%} to {real.max():.2%} |"
            )
        probabilities(found, everyone)


def labelled(embeddings: np.ndarray, pids: np.ndarray, camids: np.ndarray, number: int, seed: int) -> PairDistances:
    """What the labels of one draw tell of all pairs."""
    drawn = draw_pairs(embeddings, number, camids=camids, seed=seed)
    return sampled_pair_distances(drawn.distances, pids[drawn.first] == pids[drawn.second], drawn.weights)


def probabilities(found: list[PairDistances], everyone: PairDistances) -> None:
    """Print probabilities from labels beside those of all pairs, at some distances."""
    at = np.array([0.15, 0.2, 0.25, 0.3, 0.35])
    known, *others = (
        calibrate(pairs, distance="cosine", model="", fingerprint="", dataset="").probability(at)
        for pairs in (everyone, *found)
    )
    low, high = np.percentile(others, [5, 95], axis=0)
    for distance, of_all, least, most in zip(at, known, low, high, strict=True):
        print(f"probability at {distance}: {of_all:.2f} by all pairs, {least:.2f} to {most:.2f} by labels")


if __name__ == "__main__":
    main()
