"""OSNet-AIN's super-network: every placement of instance norm at once, weighted by the architecture that is searched for.

arXiv:1910.06827, following its authors' code but for its mistakes: docs/decisions/0010. DSLNet is searched in the same way.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from scalereid.models import dslnet, osnet
from scalereid.models.fusion import add
from scalereid.models.genotype import BLOCKS, PLACEMENTS, Genotype
from scalereid.models.layers import InstanceNorm
from scalereid.models.trunk import MakeResidualBlock, StagedTrunk

_UNSET = torch.empty(0)


class SearchBlock(nn.Module):
    """The weighted sum of a block's four candidates by `weights` (4,), or only the `chosen` one times its weight.

    `SuperNet` sets both for the duration of a forward pass.
    """

    def __init__(self, inputs: int, outputs: int, *, block: MakeResidualBlock) -> None:
        super().__init__()
        self.candidates = nn.ModuleList(block(inputs, outputs, placement=choice) for choice in PLACEMENTS)
        self.weights: Tensor = _UNSET
        self.chosen: int | None = None

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, outputs, h, w)."""
        if self.chosen is not None:
            return self.weights[self.chosen] * self.candidates[self.chosen](maps)
        return add([weight * candidate(maps) for weight, candidate in zip(self.weights, self.candidates, strict=True)])


class SuperNet(StagedTrunk):
    """A trunk of search blocks, and the logits `architecture` (6, 4) of a distribution over 4,096 networks.

    In training each forward pass draws the blocks' weights from the concrete distribution (Gumbel noise, `temperature`), the
    same for the whole batch, from PyTorch's own generator: seeded, and saved with the training state. With `sampled`, each
    block computes only its likeliest candidate of the draw, with the gradient of the relaxed weight (straight-through): a
    quarter of the work. In evaluation there is no noise: candidates are weighted by their probabilities.

    The stem has instance norm, and all layers, those of the embeddings and the classifier included, are as in `search_layer`.

    Args:
        channels_at: channels of the stem and the stages of the network that is searched, by its width.
        block: makes its blocks.
        width: factor of the channels.
        sampled: compute one candidate of each block.
    """

    recomputable = False  # a block's weights are set for the forward pass alone

    def __init__(
        self,
        channels_at: Callable[[float], Sequence[int]],
        block: MakeResidualBlock,
        *,
        width: float = 1.0,
        sampled: bool = False,
    ) -> None:
        super().__init__(
            channels_at(width),
            lambda _, inputs, outputs: SearchBlock(inputs, outputs, block=block),
            stem_norm=InstanceNorm,
        )
        self.apply(search_layer)
        # From 1, as published: there the gradients by softmax(α) and by the published ReLU(α) / Σ ReLU(α) are the same.
        self.architecture = nn.Parameter(torch.ones(BLOCKS, len(PLACEMENTS)))
        self.temperature: Tensor
        self.register_buffer("temperature", torch.tensor(10.0))
        self.sampled, self.capturable = sampled, not sampled  # it chooses candidates on the host

    def prepare(self, head: nn.Module) -> None:
        """Make the layers of a head as those of the trunk are."""
        head.apply(search_layer)

    @property
    def probabilities(self) -> Tensor:
        """Probabilities (6, 4) of each candidate for each block."""
        return self.architecture.float().softmax(dim=1)

    def genotype(self, origin: str) -> Genotype:
        """The likeliest placement of each block."""
        choices = self.architecture.argmax(dim=1).tolist()
        return Genotype("instance", tuple(PLACEMENTS[choice] for choice in choices), origin)

    def draw(self) -> Tensor:
        """Relaxed choices (6, 4), each block's summing to 1: softmax((log p + Gumbel noise) / temperature)."""
        waiting = torch.empty_like(self.architecture).exponential_().clamp_min(torch.finfo(torch.float32).tiny)
        logits = self.architecture.float().log_softmax(dim=1)  # never log 0
        return ((logits - waiting.log()) / self.temperature).softmax(dim=1)

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """Images (b, 3, h, w) to the maps of the three stages; the last are (b, out_channels, h/16, w/16)."""
        weights = self.draw() if self.training else self.probabilities
        chosen: list[int] | None = None
        if self.training and self.sampled:
            numbers = weights.argmax(dim=1)
            chosen = numbers.tolist()
            weights = nn.functional.one_hot(numbers, len(PLACEMENTS)) - weights.detach() + weights
        blocks = [block for block in self.stages.modules() if isinstance(block, SearchBlock)]
        for number, block in enumerate(blocks):
            block.weights, block.chosen = weights[number], chosen[number] if chosen else None
        try:
            return super().stage_maps(images)
        finally:
            for block in blocks:  # which would keep the whole graph
                block.weights, block.chosen = _UNSET, None


def search_layer(module: nn.Module) -> None:
    """Make one layer as it is in the authors' search; use with `module.apply(search_layer)`.

    No norm scales or shifts, so that only the weights distinguish the candidates. Convolutions and linear layers have
    PyTorch's own initialisation, not OSNet's.
    """
    if isinstance(module, nn.Conv2d | nn.Linear):
        module.reset_parameters()
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.InstanceNorm2d):
        module.affine = False
        module.register_parameter("weight", None)
        module.register_parameter("bias", None)


OSNetSearch = partial(SuperNet, osnet.channels_at, osnet.OmniScaleBlock)
DSLNetSearch = partial(SuperNet, dslnet.channels_at, dslnet.DenseScaleBlock)
NETWORKS: dict[str, Callable[..., SuperNet]] = {
    "osnet_supernet": OSNetSearch,
    "osnet_supernet_sampled": partial(OSNetSearch, sampled=True),
    "dslnet_supernet": DSLNetSearch,
    "dslnet_supernet_sampled": partial(DSLNetSearch, sampled=True),
}
