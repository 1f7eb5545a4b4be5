"""How a network weights its streams: clusters of images by their gates, and shares of the streams by the person's size."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from scalereid.data.degrading import shrunk
from scalereid.inference.inspector import Inspector
from scalereid.models.inside import stream_shares
from scalereid.retrieval.plane import require_layout

SCALES = (1.0, 0.85, 0.7, 0.55, 0.4)
"""Sizes of the person within the frame at which shares are computed."""


class Cluster(NamedTuple):
    """Images whose gates are alike."""

    images: NDArray[np.int64]
    """Row numbers of its images, the nearest to its centre first."""
    shares: NDArray[np.float32]
    """(streams,) mean share of each stream in the weights; they sum to 1."""


def shares(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Share of each stream (n, streams) in the weights (n, streams, channels) of a block; those of an image sum to 1."""
    found: NDArray[np.float32] = stream_shares(torch.from_numpy(weights)).numpy()
    return found


def cluster_gates(weights: NDArray[np.float32], number: int, *, seed: int = 0) -> list[Cluster]:
    """Clusters of images by the weights (n, streams, channels) of a block's streams, the largest first.

    The weights of all streams of an image are one vector, and k-means finds `number` clusters of these, as OSNet's figure of
    gates has it; fewer where there are fewer different vectors.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.
    """
    require_layout()
    from sklearn.cluster import KMeans

    vectors = weights.reshape(len(weights), -1).astype(np.float64)
    number = min(number, len(np.unique(vectors, axis=0)))
    found = KMeans(number, n_init=10, random_state=seed).fit(vectors)
    distances = np.linalg.norm(vectors - found.cluster_centers_[found.labels_], axis=1)
    of_images, clusters = shares(weights), []
    for label in range(number):
        images = np.flatnonzero(found.labels_ == label)
        nearest = images[np.argsort(distances[images], kind="stable")]
        clusters.append(Cluster(nearest, of_images[images].mean(axis=0)))
    return sorted(clusters, key=lambda cluster: -len(cluster.images))


def shares_by_size(
    inspector: Inspector, images: Sequence[Image.Image], scales: Sequence[float] = SCALES
) -> list[NDArray[np.float32]]:
    """Mean share of each stream at each size of the person (scales, streams), block by block.

    The whole picture is made smaller within its frame: see `shrunk`.
    """
    by_scale = [
        [shares(weights).mean(axis=0) for weights in inspector([shrunk(image, scale) for image in images]).weights]
        for scale in scales
    ]
    return [np.stack(block) for block in zip(*by_scale, strict=True)]
