"""What a model is trained for: embeddings and labels to a loss. The classifier lives here, not in the model."""

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from scalereid.models.layers import initialise


class Losses(NamedTuple):
    """The loss of a batch and its parts, each a scalar, and the share of images classified right."""

    total: Tensor
    cross_entropy: Tensor
    accuracy: Tensor


class Objective(nn.Module):
    """Classify the training people: cross-entropy with label smoothing over a linear classifier.

    The smoothed target is (1 − ε) for the right person plus ε/C for everyone (Szegedy et al., arXiv:1512.00567, section 7).
    """

    def __init__(self, embedding_size: int, people: int, *, label_smoothing: float = 0.1) -> None:
        super().__init__()
        self.classifier = nn.Linear(embedding_size, people)
        self.classifier.apply(initialise)
        self.label_smoothing = label_smoothing

    def forward(self, embeddings: Tensor, labels: Tensor) -> Losses:
        """Losses of embeddings (b, d) with labels (b,) in 0 … people−1."""
        logits = self.classifier(embeddings).float()  # the softmax in float32 whatever the layers ran in
        loss = functional.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        accuracy = (logits.detach().argmax(dim=1) == labels).float().mean()
        return Losses(total=loss, cross_entropy=loss, accuracy=accuracy)
