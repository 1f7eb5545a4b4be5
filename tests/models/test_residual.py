import pytest
import torch
from torch import nn
from torch.nn import functional

from scalereid.models.dslnet import DenseScaleBlock
from scalereid.models.genotype import PLACEMENTS, Placement
from scalereid.models.osnet import OmniScaleBlock
from scalereid.models.residual import ResidualBlock

BLOCKS: list[type[ResidualBlock]] = [OmniScaleBlock, DenseScaleBlock]


@pytest.mark.parametrize("block_of", BLOCKS)
@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("inputs", [12, 48])
def test_where_instance_norm_stands(block_of: type[ResidualBlock], placement: Placement, inputs: int) -> None:
    """Inside: after the last convolution, in place of its batch norm. Outside: between addition and ReLU."""
    block = block_of(inputs, 48, placement=placement).eval()
    convolved: list[torch.Tensor] = []
    last = [module for name, module in block.named_modules() if name in ("restore.conv", "expand.conv")]
    last[0].register_forward_hook(lambda _module, _maps, output: convolved.append(output))
    maps = torch.randn(2, inputs, 6, 5)
    found = block(maps)
    batch_normed = convolved[0] / (1 + 1e-5) ** 0.5  # as long as it is fresh
    residual = functional.instance_norm(convolved[0]) if placement in ("inside", "both") else batch_normed
    torch.testing.assert_close(block.residual(maps), residual, rtol=1e-4, atol=1e-5)
    total = residual + block.shortcut(maps)
    if placement in ("outside", "both"):
        total = functional.instance_norm(total)
    torch.testing.assert_close(found, total.relu(), rtol=1e-4, atol=1e-5)
    norms = [module for module in block.modules() if isinstance(module, nn.InstanceNorm2d)]
    assert len(norms) == {"none": 0, "inside": 1, "outside": 1, "both": 2}[placement]
    assert all(norm.affine and not norm.track_running_stats for norm in norms)


@pytest.mark.parametrize("block_of", BLOCKS)
def test_the_shortcut_has_a_convolution_where_channels_change(block_of: type[ResidualBlock]) -> None:
    maps = torch.randn(2, 48, 4, 3)
    assert torch.equal(block_of(48, 48).shortcut(maps), maps)
    assert block_of(48, 24).eval().shortcut(maps).shape == (2, 24, 4, 3)
