"""The layer that makes likelihoods of attributes from embeddings: what a trained model of attributes has beside its network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIKELY = 0.5
"""An image counts as having an attribute from this likelihood on, as published."""


@dataclass(frozen=True, eq=False)
class AttributeLayer:
    """Embeddings to likelihoods of attributes: a linear layer and the sigmoid function, in NumPy.

    Raises:
        ValueError: Names, weights and biases are not as many, or weights or biases are not finite.
    """

    names: tuple[str, ...]
    weight: NDArray[np.float32]
    """(attributes, embedding_size)."""
    bias: NDArray[np.float32]
    """(attributes,)."""

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or self.weight.shape[:1] != self.bias.shape or len(self.bias) != len(self.names):
            raise ValueError(
                f"the layer has {len(self.names)} attributes, but weights of shape {[*self.weight.shape]} and biases of shape "
                f"{[*self.bias.shape]}"
            )
        if not (np.isfinite(self.weight).all() and np.isfinite(self.bias).all()):
            raise ValueError("the weights of the attributes are not finite")

    def __call__(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Likelihoods (n, attributes) of embeddings (n, embedding_size) as the model computes them, not L2-normalised."""
        logits = embeddings @ self.weight.T + self.bias
        with np.errstate(invalid="ignore"):  # rows of NaN stand for images that cannot be read
            likelihoods: NDArray[np.float32] = np.exp(-np.logaddexp(0, -logits)).astype(np.float32)
        return likelihoods
