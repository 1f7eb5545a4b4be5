"""Distances of labelled pairs by one model."""

import numpy as np
from numpy.typing import NDArray

from scalereid.inference.embedder import Embedder
from scalereid.progress import Progress
from scalereid.retrieval.answers import LabelledPairs


def distances_of_pairs(
    pairs: LabelledPairs, embedder: Embedder, progress: Progress | None = None
) -> NDArray[np.float64]:
    """Cosine distances (k,) of labelled pairs: those that they were drawn with, or of the images if they have none.

    Raises:
        ValueError: The pairs were drawn with another model, or an image cannot be read.
    """
    if pairs.distances is not None:
        own = embedder.metadata
        if pairs.model_fingerprint != own.fingerprint:
            raise ValueError(
                f"the pairs were drawn with the model {pairs.model_fingerprint}, and {own.model} is {own.fingerprint}: what "
                "one model takes for alike says little about another. Draw and label pairs with this model"
            )
        return pairs.distances
    paths = [*dict.fromkeys([*pairs.first, *pairs.second])]
    row = {path: i for i, path in enumerate(paths)}
    with (progress or Progress.silent()).stage("embedding", len(paths)) as advance:
        embeddings = embedder.collect(paths, advance=advance).embeddings.astype(np.float64)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True).clip(min=np.finfo(np.float64).tiny)
    first, second = (embeddings[[row[path] for path in side]] for side in (pairs.first, pairs.second))
    return np.asarray((1 - (first * second).sum(axis=1)).clip(0))
