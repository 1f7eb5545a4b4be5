"""The layer that makes probabilities of classes from embeddings: what a trained classifier has beside its network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ClassLayer:
    """Embeddings to probabilities of classes: a linear layer and softmax, in NumPy.

    Raises:
        ValueError: Names, weights and biases are not as many, or weights or biases are not finite.
    """

    names: tuple[str, ...]
    weight: NDArray[np.float32]
    """(classes, embedding_size)."""
    bias: NDArray[np.float32]
    """(classes,)."""

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or self.weight.shape[:1] != self.bias.shape or len(self.bias) != len(self.names):
            raise ValueError(
                f"the classifier has {len(self.names)} classes, but weights of shape {[*self.weight.shape]} and biases of "
                f"shape {[*self.bias.shape]}"
            )
        if not (np.isfinite(self.weight).all() and np.isfinite(self.bias).all()):
            raise ValueError("the weights of the classifier are not finite")

    def __call__(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (n, classes) of embeddings (n, embedding_size) as the model computes them, not L2-normalised."""
        logits = embeddings @ self.weight.T + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
        return probabilities
