"""The layer that makes likelihoods of attributes from embeddings."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from scalereid.named_layer import NamedLayer

LIKELY = 0.5
"""An image counts as having an attribute from this likelihood on, as published."""


class AttributeLayer(NamedLayer):
    """A linear layer and the sigmoid function."""

    called: ClassVar[str] = "layer"
    named: ClassVar[str] = "attributes"

    def __call__(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Likelihoods (n, attributes) of embeddings (n, embedding_size) as the model computes them, not L2-normalised."""
        with np.errstate(invalid="ignore"):  # rows of NaN stand for images that cannot be read
            likelihoods: NDArray[np.float32] = np.exp(-np.logaddexp(0, -self.logits(embeddings))).astype(np.float32)
        return likelihoods
