"""Embeddings to ranking to scores."""

from typing import Literal

# Named here, where settings and command lines find them without waiting for torch.
Distance = Literal["cosine", "euclidean"]
"""Distance between embeddings: 1 − the cosine, or the squared Euclidean distance, which ranks as the distance itself does."""
APRule = Literal["at-matches", "trapezoid"]
"""How precision is averaged over a query's matches: the mean at the matches, or by the trapezoid rule."""
Method = Literal["logistic", "isotonic"]
"""Regression from distances to probabilities."""
