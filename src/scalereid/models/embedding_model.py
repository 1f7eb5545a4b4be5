"""Backbone, pooling and embedding layer: what turns images into embeddings."""

from torch import Tensor, nn

from scalereid.models.backbone import Backbone
from scalereid.models.layers import initialise


class EmbeddingModel(nn.Module):
    """Images (b, 3, h, w), normalised, to embeddings (b, embedding_size), in training and in evaluation alike.

    Global average pooling, then linear, batch norm, ReLU: the `fc` of OSNet (arXiv:1905.00953, table 1). The output is
    not L2-normalised, and never negative.
    """

    def __init__(self, backbone: Backbone, *, embedding_size: int = 512) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = nn.AdaptiveAvgPool2d(1)
        self.embedding = nn.Sequential()
        self.embedding.add_module("linear", nn.Linear(backbone.out_channels, embedding_size))
        self.embedding.add_module("norm", nn.BatchNorm1d(embedding_size))
        self.embedding.add_module("relu", nn.ReLU())
        self.embedding.apply(initialise)
        self.embedding_size = embedding_size

    def feature_maps(self, images: Tensor) -> Tensor:
        """The backbone's last maps (b, c, h', w'), before pooling."""
        return self.backbone(images)

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (b, embedding_size)."""
        return self.embedding(self.pooling(self.feature_maps(images)).flatten(1))
