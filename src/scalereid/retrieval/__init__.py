"""Embeddings to ranking to scores."""

from typing import Literal

Distance = Literal["cosine", "euclidean"]
"""Distance between embeddings. Named here, where settings and command lines find it without waiting for torch."""
