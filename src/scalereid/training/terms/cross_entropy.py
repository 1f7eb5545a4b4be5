"""Cross-entropy: classify the training people."""

from torch import Tensor, nn
from torch.nn import functional

from scalereid.models.layers import initialise
from scalereid.training.terms.term import Outputs, Sizes, Term


class CrossEntropy(Term):
    """Cross-entropy of a linear classifier on the embeddings.

    With `label_smoothing` ε, the target is (1 − ε) for the right person plus ε/C for every person (Szegedy et al.,
    arXiv:1512.00567, section 7). After a BNNeck the classifier has no `bias`, so that its boundaries pass through the origin.
    """

    observes = ("accuracy",)
    compares_images = False

    def __init__(self, sizes: Sizes, *, label_smoothing: float = 0.1, bias: bool = True) -> None:
        super().__init__()
        self.classifier = nn.Linear(sizes.embedding_size, sizes.people, bias=bias).apply(initialise)
        self.label_smoothing = label_smoothing

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss in float32, whatever the layers compute in, and the share of images classified correctly."""
        return self.of_logits(self.logits(outputs.embeddings), outputs.labels)

    def logits(self, embeddings: Tensor) -> Tensor:
        """What the classifier makes of embeddings: (b, people) in float32."""
        logits: Tensor = self.classifier(embeddings).float()
        return logits

    def of_logits(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The same as `forward` for logits that are computed already."""
        accuracy = (logits.detach().argmax(dim=1) == labels).float().mean()
        return functional.cross_entropy(logits, labels, label_smoothing=self.label_smoothing), {"accuracy": accuracy}
