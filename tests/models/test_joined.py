import pytest
import torch
from torch import Tensor

from scalereid.models.building import build_model, to_device
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.fusing import fuse_batch_norms
from scalereid.models.joined import JoinedModel
from scalereid.models.merging import merge_streams

IMAGES = torch.randn(3, 3, 64, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def networks() -> list[EmbeddingModel]:
    return [
        build_model("osnet_x0_25", embedding_size=5).eval(),
        build_model("osnet_one_stream", width=0.25, embedding_size=8).eval(),
    ]


def test_embeddings_lie_side_by_side(networks: list[EmbeddingModel]) -> None:
    joined = JoinedModel(networks)
    assert joined.networks == tuple(networks)
    with torch.no_grad():
        one, other = (network(IMAGES) for network in networks)
        assert torch.equal(joined(IMAGES), torch.cat([one, other], dim=1))
    assert joined.embedding_size == 13


def test_stages_are_those_of_the_first_and_then_of_the_next(networks: list[EmbeddingModel]) -> None:
    joined = JoinedModel(networks)
    with torch.no_grad():
        embeddings, maps, features = joined.with_stages(IMAGES)
        assert torch.equal(embeddings, joined(IMAGES))
        assert torch.equal(features, embeddings)
        expected: list[Tensor] = [each for network in networks for each in network.backbone.stage_maps(IMAGES)]
    assert len(maps) == len(expected) > 2
    assert all(torch.equal(one, other) for one, other in zip(maps, expected, strict=True))


def test_it_is_fused_merged_and_moved_as_a_single_network(networks: list[EmbeddingModel]) -> None:
    joined = to_device(JoinedModel(networks), torch.device("cpu"))
    fused = fuse_batch_norms(joined)
    merged = merge_streams(fused)
    assert merged is not None
    with torch.no_grad():
        expected = joined(IMAGES)
        torch.testing.assert_close(fused(IMAGES), expected, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(merged(IMAGES), expected, rtol=1e-3, atol=1e-5)


def test_it_is_captured_only_if_each_network_can_be(networks: list[EmbeddingModel]) -> None:
    joined = JoinedModel(networks)
    assert joined.capturable
    networks[1].backbone.capturable = False
    assert not joined.capturable
    assert networks[0].capturable
