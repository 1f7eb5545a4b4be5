"""What the blocks of OSNet and DSLNet share: a residual branch, a shortcut, and four placements of instance norm."""

from torch import Tensor, nn

from scalereid.models.genotype import Placement
from scalereid.models.layers import ConvNorm, InstanceNorm


class ResidualBlock(nn.Module):
    """Base class of a residual block with a placement of instance norm (OSNet-IBN and OSNet-AIN, arXiv:1910.06827).

    Inside the residual branch, in place of its last batch norm; outside, between addition and ReLU; both; or none. A subclass
    makes the branch, the last of it by `last_convolution`, then calls `add_shortcut`, and implements `residual`.
    """

    receptive_fields: tuple[int, ...] = ()
    """Of each stream the side of the square that it sees, in pixels of the block's maps; empty for a block without streams."""

    def add_shortcut(self, inputs: int, outputs: int, placement: Placement) -> None:
        """Make what stands beside and after the branch; the shortcut has a convolution where channels change."""
        self.shortcut = ConvNorm(inputs, outputs) if inputs != outputs else nn.Identity()
        self.outside = InstanceNorm(outputs) if placement in ("outside", "both") else nn.Identity()
        self.relu = nn.ReLU()

    def residual(self, maps: Tensor) -> Tensor:
        """The residual branch: maps (b, inputs, h, w) to maps (b, outputs, h, w)."""
        raise NotImplementedError

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (b, inputs, h, w) to maps (b, outputs, h, w)."""
        return self.relu(self.outside(self.residual(maps) + self.shortcut(maps)))


def last_convolution(inputs: int, outputs: int, placement: Placement) -> ConvNorm:
    """The 1×1 convolution at the end of a residual branch, with the norm that `placement` asks for."""
    return ConvNorm(inputs, outputs, norm=InstanceNorm if placement in ("inside", "both") else nn.BatchNorm2d)
