"""Several embedding models as one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from scalereid.models.embedding_model import EmbeddingModel


class JoinedModel(EmbeddingModel):
    """Networks that see the same images, and whose embeddings lie side by side: (b, sum of their sizes).

    It is trained, saved, fused and exported as a single network is.
    """

    def __init__(self, networks: Sequence[EmbeddingModel]) -> None:
        nn.Module.__init__(self)  # without a backbone of its own
        self.members = nn.ModuleList(networks)
        self.embedding_size = sum(network.embedding_size for network in networks)

    @property
    def networks(self) -> tuple[EmbeddingModel, ...]:
        """Its networks, in the order of their embeddings."""
        return tuple(network for network in self.members if isinstance(network, EmbeddingModel))

    def with_stages(self, images: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """Embeddings (b, embedding_size), the maps of each stage of the first network, then of the next, and the features."""
        parts, maps, own = zip(*(network.with_stages(images) for network in self.networks), strict=True)
        embeddings = torch.cat(parts, dim=1)
        same = all(one is other for one, other in zip(parts, own, strict=True))
        return embeddings, [each for stages in maps for each in stages], embeddings if same else torch.cat(own, dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (b, embedding_size)."""
        return torch.cat([network(images) for network in self.networks], dim=1)
