"""The interface of a backbone."""

from collections.abc import Iterable

from torch import Tensor, nn

from scalereid.models.recomputing import compute


class Backbone(nn.Module):
    """Images (b, 3, h, w) to feature maps (b, out_channels, h', w').

    A subclass sets `out_channels` and implements `forward`; pooling and the embedding layer are added by
    `EmbeddingModel`, so that a new network is only its trunk. A subclass that also returns the maps of each of its stages sets
    `stage_channels` and implements `stage_maps` instead; then an auxiliary branch can learn from an earlier stage.
    """

    out_channels: int
    stage_channels: tuple[int, ...] = ()
    """Channels of the maps that `stage_maps` returns, stage by stage; empty for a backbone without stages."""

    capturable: bool = True
    """False if `forward` reads values on the host, so that a GPU cannot capture it as a CUDA graph."""

    recomputable: bool = False
    """True if it passes `recomputes` on to `compute` and `through`, which then need less memory."""
    recompute: bool = False
    """Compute what lies within a block again in the backward pass; for a `recomputable` backbone."""

    @property
    def recomputes(self) -> bool:
        """Whether blocks are to be computed again: in training only."""
        return self.recompute and self.training

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """The maps of each stage; the last are the feature maps."""
        if type(self).forward is Backbone.forward:
            raise NotImplementedError(f"{type(self).__name__} implements neither forward nor stage_maps")
        return [self(images)]

    def forward(self, images: Tensor) -> Tensor:
        """Feature maps of normalised images."""
        return self.stage_maps(images)[-1]

    def prepare(self, head: nn.Module) -> None:
        """Change the layers after the feature maps, such as those of the embeddings, where the network needs others."""


def through(stages: Iterable[nn.Module], maps: Tensor, *, recompute: bool) -> list[Tensor]:
    """The outputs of each of `stages`, which `maps` goes through one after the other.

    With `recompute` each block of a stage is computed again in the backward pass.
    """
    outputs = []
    for stage in stages:
        for block in stage.children() if recompute else (stage,):
            maps = compute([block], maps, recompute=recompute)
        outputs.append(maps)
    return outputs
