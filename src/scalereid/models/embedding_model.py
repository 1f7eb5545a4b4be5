"""The embedding model: backbone, pooling and embedding layer."""

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import Tensor, nn

from scalereid.models.backbone import Backbone
from scalereid.models.layers import BNNeck, EmbeddingLayer, GeneralisedMean, NoNeck

PoolingName = Literal["average", "max", "gem"]
NeckName = Literal["fc", "bnneck", "none"]
_POOLINGS: dict[PoolingName, Callable[[], nn.Module]] = {
    "average": partial(nn.AdaptiveAvgPool2d, 1),
    "max": partial(nn.AdaptiveMaxPool2d, 1),
    "gem": GeneralisedMean,
}


class EmbeddingModel(nn.Module):
    """Normalised images (b, 3, h, w) to embeddings (b, embedding_size), in training and in evaluation alike.

    After the backbone come pooling and the neck. By default they are global average pooling, then linear, batch norm and ReLU:
    the `fc` of OSNet (arXiv:1905.00953, table 1), whose embeddings are never negative. Embeddings are not L2-normalised.
    """

    def __init__(
        self, backbone: Backbone, *, embedding_size: int = 512, pooling: PoolingName = "average", neck: NeckName = "fc"
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = _POOLINGS[pooling]()
        self.embedding = _neck(neck, backbone.out_channels, embedding_size)
        backbone.prepare(self.embedding)
        self.embedding_size = embedding_size

    @property
    def networks(self) -> "tuple[EmbeddingModel, ...]":
        """The networks whose embeddings it gives: itself alone."""
        return (self,)

    @property
    def capturable(self) -> bool:
        """True if a GPU can capture it as a CUDA graph: if no backbone asks the host."""
        return all(network.backbone.capturable for network in self.networks)

    def feature_maps(self, images: Tensor) -> Tensor:
        """The backbone's last maps (b, c, h', w'), before pooling."""
        return self.backbone(images)

    def with_stages(self, images: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """Embeddings (b, embedding_size), the maps of each of the backbone's stages, and the features (b, embedding_size).

        The features are what distances are learned of: the embeddings, or with a BNNeck what it normalises.
        """
        maps = self.backbone.stage_maps(images)
        embeddings, features = self.embedding.with_features(self._pooled(maps[-1]))
        return embeddings, maps, features

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (b, embedding_size)."""
        return self.embedding(self._pooled(self.feature_maps(images)))

    def _pooled(self, maps: Tensor) -> Tensor:
        return self.pooling(maps).flatten(1)


def _neck(name: NeckName, inputs: int, outputs: int) -> EmbeddingLayer | BNNeck | NoNeck:
    if name == "none":
        if inputs != outputs:
            raise ValueError(
                f"model.embedding_size is {outputs}, but without a neck it is the backbone's channels: set it to {inputs}"
            )
        return NoNeck()
    return BNNeck(inputs, outputs) if name == "bnneck" else EmbeddingLayer(inputs, outputs)
