"""The embedding model: backbone, pooling and embedding layer."""

from torch import Tensor, nn

from scalereid.models.backbone import Backbone
from scalereid.models.layers import EmbeddingLayer


class EmbeddingModel(nn.Module):
    """Normalised images (b, 3, h, w) to embeddings (b, embedding_size), in training and in evaluation alike.

    After the backbone come global average pooling, linear, batch norm and ReLU: the `fc` of OSNet (arXiv:1905.00953,
    table 1). The embeddings are not L2-normalised, and never negative.
    """

    def __init__(self, backbone: Backbone, *, embedding_size: int = 512) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = nn.AdaptiveAvgPool2d(1)
        self.embedding = EmbeddingLayer(backbone.out_channels, embedding_size)
        backbone.prepare(self.embedding)
        self.embedding_size = embedding_size

    def feature_maps(self, images: Tensor) -> Tensor:
        """The backbone's last maps (b, c, h', w'), before pooling."""
        return self.backbone(images)

    def with_stages(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Embeddings (b, embedding_size), and the maps of each of the backbone's stages."""
        maps = self.backbone.stage_maps(images)
        return self._embed(maps[-1]), maps

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (b, embedding_size)."""
        return self._embed(self.feature_maps(images))

    def _embed(self, maps: Tensor) -> Tensor:
        return self.embedding(self.pooling(maps).flatten(1))
