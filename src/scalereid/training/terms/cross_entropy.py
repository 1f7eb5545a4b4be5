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
        logits = self.classifier(outputs.embeddings).float()
        accuracy = (logits.detach().argmax(dim=1) == outputs.labels).float().mean()
        loss = functional.cross_entropy(logits, outputs.labels, label_smoothing=self.label_smoothing)
        return loss, {"accuracy": accuracy}
