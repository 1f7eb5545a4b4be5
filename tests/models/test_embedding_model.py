import pytest
import torch
from torch import Tensor, nn

from scalereid.models.backbone import Backbone
from scalereid.models.embedding_model import EmbeddingModel


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
    linear = pooled @ model.embedding.linear.weight.T + model.embedding.linear.bias
    expected = (linear / (1 + 1e-5) ** 0.5).clamp_min(0)  # a fresh batch norm
    torch.testing.assert_close(model(images), expected, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(model.feature_maps(images), maps)
    assert model.embedding_size == model(images).shape[1] == 5


def test_stage_maps_come_with_the_same_embeddings(model: EmbeddingModel) -> None:
    images = torch.randn(3, 3, 16, 8)
    embeddings, stages = model.with_stages(images)
    assert torch.equal(embeddings, model(images))
    assert [tuple(maps.shape[1:]) for maps in stages] == [(4, 8, 4), (6, 4, 2)]


def test_embeddings_are_not_negative_and_not_normalised(model: EmbeddingModel) -> None:
    nn.init.normal_(model.embedding.linear.weight)
    embeddings = model(torch.randn(8, 3, 16, 8))
    assert embeddings.min() == 0
    assert embeddings.norm(dim=1).std() > 0.1


def test_where_in_the_image_something_is_does_not_matter(model: EmbeddingModel) -> None:
    """Average pooling: permuting the positions of the last maps leaves the embeddings as they are."""
    maps = torch.randn(2, 6, 4, 2)
    shuffled = torch.unflatten(maps.flatten(2)[:, :, torch.randperm(8)], 2, (4, 2))
    embed = nn.Sequential(model.pooling, nn.Flatten(), model.embedding)
    torch.testing.assert_close(embed(maps), embed(shuffled))
