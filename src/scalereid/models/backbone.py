"""What every backbone promises."""

from torch import Tensor, nn


class Backbone(nn.Module):
    """Images (b, 3, h, w) to feature maps (b, out_channels, h', w').

    A subclass sets `out_channels` and implements `forward`; pooling and the embedding layer are added by
    `EmbeddingModel`, so that a new network is only its trunk.
    """

    out_channels: int

    def forward(self, images: Tensor) -> Tensor:
        """Feature maps of normalised images."""
        raise NotImplementedError
