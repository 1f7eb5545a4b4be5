"""DSLNet's auxiliary branch: a second classifier, which learns from an earlier stage."""

from torch import Tensor, nn
from torch.nn import functional

from scalereid.models.layers import EmbeddingLayer, initialise
from scalereid.training.terms.term import Outputs, Sizes, Term


class Auxiliary(Term):
    """Cross-entropy of a branch on the maps of the last stage but one: pooling, embedding layer, classifier.

    Raises:
        ValueError: The backbone does not give the maps of its stages.
    """

    compares_images = False

    def __init__(self, sizes: Sizes, *, label_smoothing: float = 0.1) -> None:
        super().__init__()
        if len(sizes.stage_channels) < 2:
            raise ValueError(
                "objective.auxiliary needs the maps of a backbone's last stage but one, which this backbone does not give "
                "(`stage_channels` and `stage_maps`); set objective.auxiliary to 0"
            )
        classifier = nn.Linear(sizes.embedding_size, sizes.people).apply(initialise)
        self.branch = nn.Sequential(EmbeddingLayer(sizes.stage_channels[-2], sizes.embedding_size), classifier)
        self.label_smoothing = label_smoothing

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss in float32, whatever the layers compute in."""
        logits = self.branch(outputs.stage_maps[-2].mean(dim=(2, 3))).float()
        return functional.cross_entropy(logits, outputs.labels, label_smoothing=self.label_smoothing), {}
