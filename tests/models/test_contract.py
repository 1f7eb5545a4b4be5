"""What every backbone must do. A new backbone is covered by its line in BACKBONES."""

from functools import cache
from inspect import signature

import pytest
import torch

from scalereid.models import BACKBONES
from scalereid.models.building import build_model
from scalereid.models.embedding_model import EmbeddingModel
from tests.conftest import same

pytestmark = pytest.mark.parametrize("name", BACKBONES)


def build(name: str, embedding_size: int = 512) -> EmbeddingModel:
    """A narrow model of that backbone, if its width can be chosen."""
    width = 0.25 if "width" in signature(BACKBONES[name]).parameters else None
    return build_model(name, width=width, embedding_size=embedding_size)


@cache
def at_rest(name: str) -> EmbeddingModel:
    """One in evaluation mode, for tests that leave it as it is."""
    return build(name, embedding_size=40).eval()


def test_promised_channels_and_embedding_size(name: str) -> None:
    model = at_rest(name)
    images = torch.randn(2, 3, 64, 32)
    maps = model.feature_maps(images)
    assert maps.shape[:2] == (2, model.backbone.out_channels)
    expected = (
        ((16, 8),) if "cifar" in name else ((4, 2), (2, 1))
    )  # a quarter; a sixteenth or a thirty-second of the image
    assert tuple(maps.shape[2:]) in expected
    assert model(images).shape == (2, 40)


def test_training_and_evaluation_return_the_same_kind_of_thing(name: str) -> None:
    model = build(name)
    images = torch.randn(4, 3, 64, 32)
    assert model.train()(images).shape == model.eval()(images).shape == (4, 512)


def test_every_weight_gets_a_gradient(name: str) -> None:
    if name.endswith("_supernet_sampled"):
        pytest.skip("it runs a quarter of its candidates at a time; tests/models/test_supernet.py covers its gradients")
    model = build(name)
    model(torch.randn(4, 3, 64, 32)).square().sum().backward()
    without = [
        weight
        for weight, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.isfinite().all() or not parameter.grad.any()
    ]
    # One ReLU'd hidden channel of a gate may be dead for a random batch; nothing else may.
    assert [weight for weight in without if ".fusion." not in weight] == []


def test_an_image_alone_is_as_in_a_batch(name: str) -> None:
    model = at_rest(name)
    images = torch.randn(3, 3, 64, 32)
    with torch.no_grad():
        together, alone = model(images), torch.cat([model(image[None]) for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_weights_survive_a_round_trip(name: str) -> None:
    one, other = build(name), build(name)
    assert not same(one.state_dict(), other.state_dict())
    other.load_state_dict(one.state_dict())
    assert same(one.state_dict(), other.state_dict())


def test_any_image_size(name: str) -> None:
    model = at_rest(name)
    with torch.no_grad():
        for size in ((160, 64), (64, 64), (100, 50)):
            assert model(torch.randn(1, 3, *size)).isfinite().all()
