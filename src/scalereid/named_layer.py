"""A linear layer whose outputs have names, in NumPy: what a trained model has beside its network."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class NamedLayer:
    """Embeddings to one number for each name.

    Raises:
        ValueError: Names, weights and biases are not as many, or weights or biases are not finite.
    """

    names: tuple[str, ...]
    weight: NDArray[np.float32]
    """(names, embedding_size)."""
    bias: NDArray[np.float32]
    """(names,)."""

    called: ClassVar[str]
    named: ClassVar[str]

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or self.weight.shape[:1] != self.bias.shape or len(self.bias) != len(self.names):
            raise ValueError(
                f"the {self.called} has {len(self.names)} {self.named}, but weights of shape {[*self.weight.shape]} and "
                f"biases of shape {[*self.bias.shape]}"
            )
        if not (np.isfinite(self.weight).all() and np.isfinite(self.bias).all()):
            raise ValueError(f"the {self.called} has weights that are not finite")

    def logits(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """The numbers (n, names) of embeddings (n, embedding_size) as the model computes them, not L2-normalised."""
        return embeddings @ self.weight.T + self.bias
