"""What every backbone promises."""

from collections.abc import Iterable

from torch import Tensor, nn


class Backbone(nn.Module):
    """Images (b, 3, h, w) to feature maps (b, out_channels, h', w').

    A subclass sets `out_channels` and implements `forward`; pooling and the embedding layer are added by
    `EmbeddingModel`, so that a new network is only its trunk. One that also tells what comes out of its stages sets
    `stage_channels` and implements `stage_maps` instead; then an auxiliary branch can learn from an earlier stage.
    """

    out_channels: int
    stage_channels: tuple[int, ...] = ()
    """Channels of what `stage_maps` gives, stage by stage; empty for a backbone that does not tell."""

    asks_host: bool = False
    """Whether its forward looks at values on the host, so that its steps cannot be recorded on a GPU."""

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """What comes out of each stage, and last the feature maps."""
        if type(self).forward is Backbone.forward:
            raise NotImplementedError(f"{type(self).__name__} implements neither forward nor stage_maps")
        return [self(images)]

    def forward(self, images: Tensor) -> Tensor:
        """Feature maps of normalised images."""
        return self.stage_maps(images)[-1]


def through(stages: Iterable[nn.Module], maps: Tensor) -> list[Tensor]:
    """What comes out of each of the stages when `maps` goes through them in turn."""
    outputs = []
    for stage in stages:
        maps = stage(maps)
        outputs.append(maps)
    return outputs
