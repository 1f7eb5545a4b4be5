from pathlib import Path

import pytest
import torch

from scalereid.models.building import build_model, to_device
from scalereid.models.genotype import AIN

OWN_BACKBONE = """
from torch import Tensor, nn
from scalereid.models.backbone import Backbone

class MyNet(Backbone):
    out_channels = 24

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 7, stride=8, padding=3), nn.BatchNorm2d(24), nn.ReLU())

    def forward(self, images: Tensor) -> Tensor:
        return self.stem(images)

number = 3
"""


def test_a_backbone_of_ones_own_takes_one_file_and_no_edit(tmp_path: Path) -> None:
    (tmp_path / "my_net.py").write_text(OWN_BACKBONE)
    model = build_model(f"{tmp_path / 'my_net.py'}:MyNet", embedding_size=10)
    assert model(torch.randn(2, 3, 32, 16)).shape == (2, 10)


def test_any_width_of_those_that_have_one() -> None:
    assert build_model("dslnet", width=0.5).backbone.stage_channels == (132, 192, 264)
    assert build_model("osnet_x1_0", width=0.25).backbone.out_channels == 128
    with pytest.raises(ValueError, match="resnet50 has no width to change; leave model.width out"):
        build_model("resnet50", width=0.5)


def test_a_genotype_makes_the_network() -> None:
    published, built = build_model("osnet_ain_x0_25").state_dict(), build_model(AIN, width=0.25).state_dict()
    assert {name: tensor.shape for name, tensor in built.items()} == {n: t.shape for n, t in published.items()}
    dense, dense_built = build_model("dslnet_ain").state_dict(), build_model("dslnet", genotype=AIN).state_dict()
    assert {name: tensor.shape for name, tensor in dense.items()} == {n: t.shape for n, t in dense_built.items()}
    with pytest.raises(ValueError, match="resnet50 has no genotype to change; leave model.genotype out"):
        build_model("resnet50", genotype=AIN)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("osnet", "No such name: 'osnet'. Did you mean .*osnet_x1_0.* FILE.py:NAME"),
        ("nowhere.py:Net", "nowhere.py does not exist"),
        ("my_net.py:YourNet", "does not define a function or class 'YourNet'"),
        ("my_net.py:number", "does not define a function or class 'number'"),
    ],
)
def test_what_cannot_be_found_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_net.py").write_text(OWN_BACKBONE)
    with pytest.raises(ValueError, match=message):
        build_model(name)


def test_on_a_device_weights_are_channels_last() -> None:
    model = to_device(build_model("osnet_x0_25"), torch.device("cpu"))
    kernels = [parameter for parameter in model.parameters() if parameter.dim() == 4 and parameter.shape[2] > 1]
    assert kernels
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)


OTHERS = """
from torch import nn
from scalereid.models import Backbone

class Plain(nn.Conv2d):
    def __init__(self) -> None:
        super().__init__(3, 8, 3)

class Forgetful(Backbone):
    pass

class Early(Backbone):
    def __init__(self) -> None:
        self.stem = nn.Conv2d(3, 8, 3)

class Deep(Backbone):
    def __init__(self, depth: int, *, bias: bool = True) -> None:
        super().__init__()
        self.out_channels = 8
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3), *(nn.Conv2d(8, 8, 3, bias=bias) for _ in range(depth - 1)))

    def forward(self, images):
        return self.layers(images)
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Plain", r"net\.py:Plain is of the class Plain; expected a subclass of scalereid.models.Backbone"),
        ("Forgetful", r"Forgetful.out_channels is None; set it to the number of channels of the feature maps"),
        ("Early", r"net\.py:Early cannot be built: AttributeError: cannot assign module before"),
        ("Deep", r"net\.py:Deep needs depth; set model.options, such as depth=2"),
    ],
)
def test_what_is_not_a_backbone_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "net.py").write_text(OTHERS)
    with pytest.raises(ValueError, match=message):
        build_model(f"{tmp_path / 'net.py'}:{name}")


def test_options_reach_the_constructor(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(OTHERS)
    deep = build_model(f"{tmp_path / 'net.py'}:Deep", options={"depth": 3, "bias": False}, embedding_size=10)
    assert deep(torch.randn(2, 3, 32, 16)).shape == (2, 10)
    assert [name for name in deep.backbone.state_dict() if "weight" in name] == [f"layers.{i}.weight" for i in range(3)]
    assert "layers.1.bias" not in deep.backbone.state_dict()
    with pytest.raises(ValueError, match="resnet50 does not take depth; it takes last_stride"):
        build_model("resnet50", options={"depth": 3})
    model = build_model("resnet50", options={"last_stride": 2})
    assert model.feature_maps(torch.randn(2, 3, 64, 32)).shape == (2, 2048, 2, 1)


@pytest.mark.parametrize("size", [0, -3])
def test_embeddings_without_numbers_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"embedding_size is {size}; expected a whole number from 1 to 100,000"):
        build_model("osnet_x0_25", embedding_size=size)
