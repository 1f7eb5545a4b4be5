"""The layer that makes probabilities of classes from embeddings."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scalereid.named_layer import NamedLayer


class ClassLayer(NamedLayer):
    """A linear layer and softmax."""

    called: ClassVar[str] = "classifier"
    named: ClassVar[str] = "classes"

    def __call__(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (n, classes) of embeddings (n, embedding_size) as the model computes them, not L2-normalised."""
        logits = self.logits(embeddings)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
        return probabilities
