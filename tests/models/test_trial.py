from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scalereid.models import BACKBONES, Backbone
from scalereid.models.trial import try_backbone


class Net(Backbone):
    """Two stages of 8 and 24 channels, at an eighth of the image's size."""

    def __init__(self, out_channels: int = 24, stage_channels: tuple[int, ...] = (8, 24)) -> None:
        super().__init__()
        self.out_channels, self.stage_channels = out_channels, stage_channels
        self.first, self.second = nn.Conv2d(3, 8, 4, stride=4), nn.Conv2d(8, 24, 2, stride=2)

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        first = self.first(images)
        return [first, self.second(first)]


class Made(Backbone):
    """Returns what `make` makes of the images and of whether it is trained."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.out_channels, self.make = 5, make

    def forward(self, images: Tensor) -> Any:
        return self.make(images, self.training)


def maps(images: Tensor, channels: int = 5) -> Tensor:
    return torch.ones(len(images), channels, 4, 2)


def test_what_keeps_its_promises_passes() -> None:
    try_backbone(Net(), (64, 32))
    try_backbone(Made(lambda images, _: maps(images)), (64, 32))
    assert BACKBONES.keys() >= {"osnet_x0_25", "dslnet"}
    for name in ("osnet_x0_25", "osnet_supernet_sampled", "dslnet"):
        try_backbone(BACKBONES[name](width=0.2), (64, 32))


SIZES = r"of images \(2, 3, 64, 32\)"


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            Net(out_channels=64),
            rf"Net's feature maps have 24 channels, \(2, 24, 8, 4\) in training, {SIZES}; expected 64, as out_channels says",
        ),
        (
            Net(stage_channels=(16, 24)),
            rf"Net's maps of stage 1 have 8 channels, .*{SIZES}; expected 16, as stage_channels\[0\] says",
        ),
        (
            Net(stage_channels=(4, 8, 24)),
            rf"Net.stage_maps returns 2 maps in training, {SIZES}; expected 3, as stage_channels is \(4, 8, 24\)",
        ),
    ],
)
def test_other_channels_than_promised(net: Net, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        try_backbone(net, (64, 32))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda images, _: maps(images).mean(dim=(2, 3)),
            rf"Made's feature maps are \(2, 5\) in training, {SIZES}; expected a tensor \(2, 5, h, w\)",
        ),
        (lambda images, _: maps(images)[:1], r"are \(1, 5, 4, 2\) in training"),
        (lambda images, training: (maps(images), 0) if training else maps(images), "a value of type tuple in training"),
        (lambda images, training: maps(images) if training else None, "a value of type NoneType in evaluation"),
        (
            lambda images, _: maps(images) / torch.tensor([0.0, 1.0]),
            r"Made's feature maps hold 40 values that are infinite or not a number, \(2, 5, 4, 2\) in training",
        ),
        (lambda images, _: maps(images, 7), "have 7 channels, .*; expected 5, as out_channels says"),
        (
            lambda images, _: images @ torch.ones(3, 3),
            rf"Made fails in training, {SIZES}: RuntimeError: mat1 and mat2 shapes",
        ),
    ],
)
def test_what_is_wrong_is_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        try_backbone(Made(make), (64, 32))


def test_stages_are_a_list() -> None:
    class Lost(Net):
        def stage_maps(self, images: Tensor) -> Any:
            return self.second(self.first(images))

    with pytest.raises(ValueError, match=r"Lost.stage_maps returns \(2, 24, 8, 4\) in training.*; expected a list"):
        try_backbone(Lost(), (64, 32))
