from typing import cast

import pytest
import torch
from torch import Tensor, nn

from scalereid.models.backbone import Backbone
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.layers import GeneralisedMean


class Small(Backbone):
    """Two stages of one convolution each."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.stage_channels, self.out_channels = (4, 6), 6

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        first = self.first(images)
        return [first, self.second(first)]


@pytest.fixture
def model() -> EmbeddingModel:
    return EmbeddingModel(Small(), embedding_size=5).eval()


def test_embeddings_are_pooled_maps_through_the_embedding_layer(model: EmbeddingModel) -> None:
    images = torch.randn(3, 3, 16, 8)
    maps = model.backbone(images)
    pooled = torch.stack([maps[:, c].flatten(1).sum(dim=1) / (4 * 2) for c in range(6)], dim=1)
    layer = cast(nn.Linear, model.embedding.linear)
    linear = pooled @ layer.weight.T + layer.bias
    expected = (linear / (1 + 1e-5) ** 0.5).clamp_min(0)  # a fresh batch norm
    torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(model.feature_maps(images), maps)
    assert model.embedding_size == model(images).shape[1] == 5


def test_stage_maps_come_with_the_same_embeddings(model: EmbeddingModel) -> None:
    images = torch.randn(3, 3, 16, 8)
    embeddings, stages, features = model.with_stages(images)
    assert torch.equal(embeddings, model(images))
    assert features is embeddings
    assert [tuple(maps.shape[1:]) for maps in stages] == [(4, 8, 4), (6, 4, 2)]


def test_embeddings_are_not_negative_and_not_normalised(model: EmbeddingModel) -> None:
    nn.init.normal_(cast(nn.Linear, model.embedding.linear).weight)
    embeddings = model(torch.randn(8, 3, 16, 8))
    assert embeddings.min() == 0
    assert embeddings.norm(dim=1).std() > 0.1


def test_where_in_the_image_something_is_does_not_matter(model: EmbeddingModel) -> None:
    """Average pooling: permuting the positions of the last maps leaves the embeddings as they are."""
    maps = torch.randn(2, 6, 4, 2)
    shuffled = torch.unflatten(maps.flatten(2)[:, :, torch.randperm(8)], 2, (4, 2))
    embed = nn.Sequential(model.pooling, nn.Flatten(), model.embedding)
    torch.testing.assert_close(embed(maps), embed(shuffled))


@torch.no_grad()
def test_generalised_mean_is_a_loop_over_positions() -> None:
    pooling = GeneralisedMean()
    assert float(pooling.power) == 3
    maps = torch.randn(2, 4, 3, 2).relu() * 5
    pooled = pooling(maps)
    assert pooled.shape == (2, 4, 1, 1)
    for power in (3.0, 1.0, 5.5):
        pooling.power.fill_(power)
        for b in range(2):
            for c in range(4):
                values = [max(float(value), 1e-6) for value in maps[b, c].flatten()]
                expected = (sum(value**power for value in values) / 6) ** (1 / power)
                assert float(pooling(maps)[b, c]) == pytest.approx(expected, rel=1e-5)
    pooling.power.fill_(1.0)
    torch.testing.assert_close(pooling(maps), maps.clamp_min(1e-6).mean(dim=(2, 3), keepdim=True))
    pooling.power.fill_(200.0)  # where powers themselves would be infinite
    torch.testing.assert_close(pooling(maps), maps.clamp_min(1e-6).amax(dim=(2, 3), keepdim=True), rtol=0.02, atol=0)


def test_gradients_of_the_generalised_mean() -> None:
    """Also of the exponent; though the largest value, relative to which it is computed, takes none."""
    pooling = GeneralisedMean()

    def plain(maps: Tensor, power: Tensor) -> Tensor:
        return maps.clamp_min(1e-6).pow(power).mean(dim=(2, 3), keepdim=True).pow(1 / power)

    maps = (torch.rand(2, 3, 4, 2) + 0.1).requires_grad_()
    found = torch.autograd.grad(pooling(maps).square().sum(), [maps, pooling.power])
    expected = torch.autograd.grad(plain(maps, pooling.power).square().sum(), [maps, pooling.power])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_dead_channels_stay_finite_whatever_the_exponent(dtype: torch.dtype) -> None:
    pooling = GeneralisedMean()
    maps = torch.randn(2, 3, 4, 2).relu().to(dtype)
    maps[:, 1] = 0
    for power in (0.5, 3.0, 20.0):
        with torch.no_grad():
            pooling.power.fill_(power)
        given = maps.clone().requires_grad_()
        pooled = pooling(given)
        assert pooled.dtype == dtype
        gradients = torch.autograd.grad(pooled.float().sum(), [given, pooling.power])
        assert all(gradient.isfinite().all() for gradient in gradients)


def test_embeddings_after_a_bnneck_are_normalised_features() -> None:
    model = EmbeddingModel(Small(), embedding_size=5, neck="bnneck").train()
    images = torch.randn(7, 3, 16, 8)
    embeddings, _, features = model.with_stages(images)
    linear = cast(nn.Linear, model.embedding.linear)
    assert linear.bias is None
    torch.testing.assert_close(features, model.backbone(images).mean(dim=(2, 3)) @ linear.weight.T)
    deviation = features.var(dim=0, unbiased=False) + 1e-5
    torch.testing.assert_close(embeddings, (features - features.mean(dim=0)) / deviation.sqrt(), rtol=1e-3, atol=1e-4)
    assert (embeddings < 0).any()
    model.eval()
    assert torch.equal(model(images), model.with_stages(images)[0])


def test_a_bnneck_without_a_linear_layer_and_without_a_shift() -> None:
    """The paper's form, where the embeddings are as wide as the backbone's maps; the shift never learns."""
    model = EmbeddingModel(Small(), embedding_size=6, neck="bnneck")
    images = torch.randn(7, 3, 16, 8)
    embeddings, _, features = model.with_stages(images)
    torch.testing.assert_close(features, model.backbone(images).mean(dim=(2, 3)))
    (embeddings * torch.arange(6)).square().sum().backward()  # type: ignore[no-untyped-call]
    norm = model.embedding.norm
    assert isinstance(norm, nn.BatchNorm1d)
    assert [name for name, _ in model.embedding.named_parameters()] == ["norm.weight", "norm.bias"]
    assert norm.bias.grad is None
    assert not norm.bias.any()
    assert norm.weight.grad is not None


@torch.no_grad()
def test_maximum_pooling() -> None:
    model = EmbeddingModel(Small(), embedding_size=5, pooling="max").eval()
    maps = torch.randn(2, 6, 4, 2)
    pooled = model.pooling(maps).flatten(1)
    assert pooled.tolist() == [[max(maps[b, c].flatten().tolist()) for c in range(6)] for b in range(2)]
    images = torch.randn(2, 3, 32, 16)
    torch.testing.assert_close(model(images), model.embedding(model.feature_maps(images).amax(dim=(2, 3))))


def test_without_a_neck_embeddings_are_the_pooled_maps() -> None:
    model = EmbeddingModel(Small(), embedding_size=6, neck="none").eval()
    images = torch.randn(2, 3, 16, 8)
    torch.testing.assert_close(model(images), model.backbone(images).mean(dim=(2, 3)))
    embeddings, _, features = model.with_stages(images)
    assert features is embeddings
    with pytest.raises(
        ValueError, match="model.embedding_size is 7, but without a neck it is the backbone's channels: set it to 6"
    ):
        EmbeddingModel(Small(), embedding_size=7, neck="none")
