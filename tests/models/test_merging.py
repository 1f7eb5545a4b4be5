import pytest
import torch
from torch import nn

from scalereid.models.building import build_model
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.fusing import fuse_batch_norms
from scalereid.models.merging import MergedBlock, merge_streams
from scalereid.models.osnet import OmniScaleBlock, OSNet


def trained(model: EmbeddingModel) -> EmbeddingModel:
    """Norms that are not the identity."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.2)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
    return model.eval()


def convolutions(model: nn.Module, images: torch.Tensor) -> int:
    """Number that is computed, not that there is: the shared gate's are used once for each stream."""
    calls: list[nn.Module] = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda module, *_: calls.append(module))
    model(images)
    return len(calls)


@pytest.mark.parametrize("name", ["osnet_x0_25", "osnet_ain_x0_25", "osnet_two_streams"])
def test_the_same_embeddings_of_fewer_layers(name: str) -> None:
    torch.manual_seed(1)
    model = fuse_batch_norms(trained(build_model(name)))
    images = torch.randn(3, 3, 64, 32)
    network = merge_streams(model)
    assert network is not None
    with torch.inference_mode():
        expected = model(images)
        torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
        torch.testing.assert_close(
            network(images[:1]), expected[:1], rtol=1e-4, atol=1e-5 * float(expected.abs().max())
        )
        assert not any(isinstance(module, MergedBlock) for module in model.modules())  # the given one is as it was
        if name == "osnet_x0_25":
            assert (convolutions(model, images), convolutions(network, images)) == (187, 79)


class Halved(OmniScaleBlock):
    """A block of one's own."""

    def residual(self, maps: torch.Tensor) -> torch.Tensor:
        return super().residual(maps) / 2


def test_blocks_of_ones_own_are_left_as_they_are() -> None:
    blocks = nn.Sequential(Halved(8, 64), OmniScaleBlock(64, 64)).eval()
    network = merge_streams(fuse_batch_norms(blocks))
    assert network is not None
    assert [type(block) for block in network.children()] == [Halved, MergedBlock]
    images = torch.randn(2, 8, 8, 4)
    with torch.inference_mode():
        torch.testing.assert_close(network(images), blocks(images), rtol=1e-4, atol=1e-5)


def test_streams_in_any_order() -> None:
    torch.manual_seed(2)
    model = fuse_batch_norms(trained(EmbeddingModel(OSNet(width=0.25, depths=(3, 1, 2, 1)), embedding_size=8)))
    images = torch.randn(2, 3, 64, 32)
    network = merge_streams(model)
    assert network is not None
    with torch.inference_mode():
        torch.testing.assert_close(network(images), model(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["osnet_separate_gates", "osnet_full_convolutions", "osnet_one_stream", "dslnet", "dslnet_ain"]
)
def test_other_networks_are_not_merged(name: str) -> None:
    assert merge_streams(fuse_batch_norms(build_model(name).eval())) is None


def test_batch_norms_that_are_not_fused_stay() -> None:
    assert merge_streams(EmbeddingModel(OSNet(width=0.25), embedding_size=8).eval()) is None
