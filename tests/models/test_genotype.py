import json
from pathlib import Path

import pytest
from torch import nn

from scalereid.models.genotype import AIN, IBN, PLAIN, Genotype
from scalereid.models.osnet import OmniScaleBlock, OSNet


def test_published_genotypes() -> None:
    assert (AIN.stem, AIN.placements) == ("instance", ("inside", "inside", "none", "inside", "inside", "none"))
    assert (IBN.stem, IBN.placements[:3]) == ("instance", ("outside", "outside", "none"))
    assert isinstance(OSNet(genotype=AIN).stem.norm, nn.InstanceNorm2d)
    assert isinstance(OSNet(genotype=PLAIN).stem.norm, nn.BatchNorm2d)
    blocks = [module for module in OSNet(genotype=AIN).modules() if isinstance(module, OmniScaleBlock)]
    inside = [isinstance(block.restore.norm, nn.InstanceNorm2d) for block in blocks]
    assert inside == [True, True, False, True, True, False]


def test_seven_words_make_a_genotype() -> None:
    words = ["instance", "none", "inside", "outside", "both", "none", "none"]
    assert list(Genotype.of(words).words) == words
    assert Genotype.of(words, "mine") == Genotype(
        "instance", ("none", "inside", "outside", "both", "none", "none"), "mine"
    )
    with pytest.raises(ValueError, match="has 7 placements; expected 6, one for each block"):
        Genotype.of([*words, "none"])


def test_files(tmp_path: Path) -> None:
    AIN.save(tmp_path / "ain.json")
    assert Genotype.load(tmp_path / "ain.json") == AIN
    assert json.loads((tmp_path / "ain.json").read_text())["origin"].startswith("OSNet-AIN")
    with pytest.raises(FileNotFoundError, match="there is no genotype at .*nothing"):
        Genotype.load(tmp_path / "nothing.json")
    for wrong, message in (
        ("[]", "is not a genotype"),
        ("{", "is not a genotype"),
        ('{"stem": "batch"}', "placements"),
        (
            '{"stem": "group", "placements": []}',
            r"wrong\.json is not a genotype: genotype\.stem is 'group'; choose from batch, instance",
        ),
        ('{"stem": "batch", "placements": ["none"]}', "1 placement; expected 6, one for each block"),
        (
            json.dumps({"stem": "batch", "placements": ["left"] * 6}),
            r"genotype\.placements\[0\] is 'left'; choose from none, inside",
        ),
    ):
        (tmp_path / "wrong.json").write_text(wrong)
        with pytest.raises(ValueError, match=message):
            Genotype.load(tmp_path / "wrong.json")
