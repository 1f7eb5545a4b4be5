"""Embeddings in a plane, near to each other there where they are near to each other."""

import numpy as np
from numpy.typing import NDArray

from scalereid.packages import require

FEWEST = 4
"""Number of embeddings that can be laid out, at least."""


def require_layout() -> None:
    """Check that what lays out embeddings is installed, before any work is done.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed; the message says how to install it.
    """
    require("sklearn", extra="figures", purpose="maps of embeddings and clusters")


def in_a_plane(embeddings: NDArray[np.float32], *, seed: int = 0) -> NDArray[np.float64]:
    """Places (n, 2) from 0 to 1 of embeddings (n, d), by t-SNE of their cosine distances (van der Maaten and Hinton, 2008).

    Near neighbours are near; long distances and the sizes of groups mean little. The same seed gives the same places.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.
        ValueError: There are fewer than `FEWEST` embeddings.
    """
    require_layout()
    from sklearn.manifold import TSNE

    if len(embeddings) < FEWEST:
        raise ValueError(f"found {len(embeddings)} embeddings; a map needs at least {FEWEST}")
    perplexity = min(15.0, (len(embeddings) - 1) / 3)
    places = TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=seed).fit_transform(embeddings)
    lowest, highest = places.min(axis=0), places.max(axis=0)
    scaled: NDArray[np.float64] = ((places - lowest) / np.maximum(highest - lowest, 1e-12)).astype(np.float64)
    return scaled
