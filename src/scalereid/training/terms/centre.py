"""Centre loss: each person's images should lie near their mean."""

import torch
from torch import Tensor

from scalereid.training.terms.term import Outputs, Sizes, Term


class Centre(Term):
    """Mean squared distance between features and the centres of their people (Wen et al., ECCV 2016).

    The mean over images, without the paper's factor ½, as in the code of Luo et al. (arXiv:1906.07028), whose weight 0.0005
    goes with it. Centres begin at 0. They take no gradient, but move with each batch by the paper's equation 4, by `rate` (its
    α) times the sum of the differences to a person's images, divided by 1 + their number.
    """

    observes = ("centre_distance",)
    centres: Tensor

    def __init__(self, sizes: Sizes, *, rate: float = 0.5) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("centres", torch.zeros(sizes.people, sizes.embedding_size))

    def forward(self, outputs: Outputs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of the centres as they are, which then move; and the mean distance."""
        features, labels = outputs.features.float(), outputs.labels
        squares = (features - self.centres[labels]).square().sum(dim=1)
        if self.training:
            self._move(features.detach(), labels)
        return squares.mean(), {"centre_distance": squares.detach().sqrt().mean()}

    def _move(self, features: Tensor, labels: Tensor) -> None:
        same = labels[:, None] == labels[None, :]
        with torch.autocast(features.device.type, enabled=False):
            sums = same.to(features.dtype) @ features  # for each image, over its person's
        count, own = same.sum(dim=1, keepdim=True), self.centres[labels]
        moved = own - self.rate * (count * own - sums) / (1 + count)
        first = same.int().argmax(
            dim=1
        )  # one value for all images of a person: which of them is written does not matter
        self.centres.index_copy_(0, labels, moved[first])
