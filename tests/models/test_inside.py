"""What is seen inside a network, against the gates called by hand and maps summed in loops."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scalereid.models.building import build_model
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.inside import activation, look_inside, receptive_fields, stream_shares
from scalereid.models.osnet import OmniScaleBlock


def model_of(backbone: str) -> EmbeddingModel:
    return build_model(backbone, width=0.25, embedding_size=8).eval()


def streams_of(block: Any, maps: Tensor) -> list[Tensor]:
    reduced = block.reduce(maps)
    return [stream(reduced) for stream in block.streams]


def test_gates_are_those_of_each_stream() -> None:
    """The first block's gate by hand on each stream of what the stem gives."""
    model, images = model_of("osnet_two_streams"), torch.randn(3, 3, 64, 32)
    found = look_inside(model, images)
    backbone: Any = model.backbone
    block = backbone.stages[0][0]
    maps = backbone.pool(backbone.stem(images))
    by_hand = torch.stack([block.fusion.gate(stream)[:, :, 0, 0] for stream in streams_of(block, maps)], dim=1)
    assert [weights.shape for weights in found.weights] == [(3, 2, c) for c in (16, 16, 24, 24, 32, 32)]
    torch.testing.assert_close(found.weights[0], by_hand)
    second = streams_of(backbone.stages[0][1], block(maps))
    gate = backbone.stages[0][1].fusion.gate
    torch.testing.assert_close(found.weights[1][:, 1], gate(second[1]).flatten(1))


def test_selection_weights_of_a_channel_sum_to_one() -> None:
    found = look_inside(model_of("dslnet"), torch.randn(2, 3, 64, 32))
    assert len(found.weights) == 6
    for weights in found.weights:
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(2, weights.shape[2]))


def test_the_model_stays_as_it_is() -> None:
    model, images = model_of("osnet_two_streams"), torch.randn(2, 3, 64, 32)
    with torch.no_grad():
        before = model(images)
        found = look_inside(model, images)
        assert torch.equal(found.embeddings, before)
        assert torch.equal(found.stages[-1], model.feature_maps(images))
        assert torch.equal(model(images), before)
    assert [maps.shape[1] for maps in found.stages] == [*model.backbone.stage_channels]
    assert not any(module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize(
    ("backbone", "fields"),
    [
        ("osnet_three_streams", [(3, 5, 7)] * 6),
        ("dslnet", [(5, 9, 13)] * 6),
        ("dslnet_layers_1_3_6", [(3, 7, 13)] * 6),
        ("osnet_addition", []),
        ("dslnet_squeeze_excitation", []),
    ],
)
def test_receptive_fields(backbone: str, fields: list[tuple[int, ...]]) -> None:
    model = model_of(backbone)
    assert receptive_fields(model) == fields
    assert len(look_inside(model, torch.zeros(2, 3, 64, 32)).weights) == len(fields)


def test_a_stream_sees_its_receptive_field() -> None:
    block = OmniScaleBlock(16, 16).eval()
    for side, stream in zip(block.receptive_fields, block.streams, strict=True):
        seen = torch.zeros(1, 4, 15, 15, requires_grad=True)
        linear = [layer for name, layer in stream.named_modules() if isinstance(layer, nn.Conv2d)]
        maps: Tensor = seen
        for layer in linear:
            maps = layer(maps)
        (gradient,) = torch.autograd.grad(maps[0, :, 7, 7].sum(), seen)
        rows = gradient.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
        assert int(rows[-1] - rows[0]) + 1 == side


def test_activation_is_the_normalised_sum_of_absolute_values() -> None:
    maps = torch.randn(2, 3, 4, 2)
    found = activation(maps)
    for image in range(2):
        sums = [[sum(abs(float(maps[image, c, y, x])) for c in range(3)) for x in range(2)] for y in range(4)]
        norm = math.sqrt(sum(value**2 for row in sums for value in row))
        torch.testing.assert_close(found[image], torch.tensor(sums) / norm)
    assert torch.equal(activation(torch.zeros(1, 3, 4, 2)), torch.zeros(1, 4, 2))


def test_shares_are_the_parts_of_each_stream() -> None:
    weights = torch.tensor([[[0.1, 0.3], [0.6, 0.0], [0.5, 0.5]]])
    torch.testing.assert_close(stream_shares(weights), torch.tensor([[0.2, 0.3, 0.5]]))
