import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from scalereid.models.genotype import AIN, IBN, PLACEMENTS, PLAIN, Genotype
from scalereid.models.osnet import OmniScaleBlock, OSNet


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("inputs", [16, 64])
def test_where_instance_norm_stands(placement: str, inputs: int) -> None:
    """Inside: after the last convolution, in place of its batch norm. Outside: between addition and ReLU."""
    block = OmniScaleBlock(inputs, 64, placement=placement).eval()  # type: ignore[arg-type]
    maps = torch.randn(2, inputs, 6, 5)
    reduced = block.reduce(maps)
    residual = block.restore.conv(block.fusion([stream(reduced) for stream in block.streams]))
    batch_normed, instance_normed = residual / (1 + 1e-5) ** 0.5, functional.instance_norm(residual)  # as long as fresh
    residual = instance_normed if placement in ("inside", "both") else batch_normed
    total = residual + block.shortcut(maps)
    if placement in ("outside", "both"):
        total = functional.instance_norm(total)
    torch.testing.assert_close(block(maps), total.relu(), rtol=1e-4, atol=1e-5)
    norms = [module for module in block.modules() if isinstance(module, nn.InstanceNorm2d)]
    assert len(norms) == {"none": 0, "inside": 1, "outside": 1, "both": 2}[placement]
    assert all(norm.affine and not norm.track_running_stats for norm in norms)


def test_published_genotypes() -> None:
    assert (AIN.stem, AIN.placements) == ("instance", ("inside", "inside", "none", "inside", "inside", "none"))
    assert (IBN.stem, IBN.placements[:3]) == ("instance", ("outside", "outside", "none"))
    assert isinstance(OSNet(genotype=AIN).stem.norm, nn.InstanceNorm2d)
    assert isinstance(OSNet(genotype=PLAIN).stem.norm, nn.BatchNorm2d)
    blocks = [module for module in OSNet(genotype=AIN).modules() if isinstance(module, OmniScaleBlock)]
    inside = [isinstance(block.restore.norm, nn.InstanceNorm2d) for block in blocks]
    assert inside == [True, True, False, True, True, False]


def test_instance_norm_takes_out_a_pictures_style() -> None:
    """Another gain and offset of each channel before the stem's norm leaves what follows as it was."""
    stem = OSNet(width=0.25, genotype=AIN).stem.eval()
    convolved = stem.conv(torch.randn(2, 3, 32, 16))
    styled = convolved * torch.rand(2, 16, 1, 1).add(0.5) + torch.randn(2, 16, 1, 1)
    torch.testing.assert_close(stem.norm(styled), stem.norm(convolved), rtol=1e-3, atol=1e-3)


def test_files(tmp_path: Path) -> None:
    AIN.save(tmp_path / "ain.json")
    assert Genotype.load(tmp_path / "ain.json") == AIN
    assert json.loads((tmp_path / "ain.json").read_text())["origin"].startswith("OSNet-AIN")
    with pytest.raises(FileNotFoundError, match="there is no genotype at .*nothing"):
        Genotype.load(tmp_path / "nothing.json")
    for wrong, message in (
        ("[]", "holds no genotype"),
        ("{", "holds no genotype"),
        ('{"stem": "batch"}', "placements"),
        ('{"stem": "group", "placements": []}', "stem norm is 'group'; it can be batch, instance"),
        ('{"stem": "batch", "placements": ["none"]}', "1 placements; an OSNet has 6 blocks"),
        (json.dumps({"stem": "batch", "placements": ["left"] * 6}), "placement is 'left'; it can be none, inside"),
    ):
        (tmp_path / "wrong.json").write_text(wrong)
        with pytest.raises(ValueError, match=message):
            Genotype.load(tmp_path / "wrong.json")
