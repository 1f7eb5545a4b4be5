import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from scalereid.models.building import build_model
from scalereid.models.embedding_model import NeckName, PoolingName
from scalereid.models.fusing import fuse_batch_norms


@pytest.mark.parametrize(
    ("backbone", "pooling", "neck"),
    [
        ("osnet_x0_25", "average", "fc"),
        ("osnet_x0_25", "gem", "bnneck"),
        ("osnet_ain_x0_25", "average", "fc"),
        ("dslnet_ain", "gem", "fc"),
        ("resnet50", "average", "bnneck"),
        ("dslnet_supernet", "average", "fc"),
    ],
)
def test_the_same_embeddings_with_fewer_layers(backbone: str, pooling: PoolingName, neck: NeckName) -> None:
    model = build_model(backbone, embedding_size=32, pooling=pooling, neck=neck)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    model.eval()
    images = torch.randn(3, 3, 64, 32)
    fewer = fuse_batch_norms(model)
    with torch.no_grad():
        torch.testing.assert_close(fewer(images), model(images), rtol=1e-3, atol=1e-4)
    assert not [m for m in fewer.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d)]
    assert any(isinstance(m, nn.BatchNorm1d) for m in model.modules())  # the model itself is as it was


def test_other_layers_stay_as_they_are() -> None:
    """Norms that follow something else, or stand alone; and layers without a norm."""
    model = nn.Sequential(
        nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.InstanceNorm2d(4)
    ).eval()
    fused = fuse_batch_norms(model)
    assert [type(layer) for layer in fused.children()] == [type(layer) for layer in model]
    images = torch.randn(2, 3, 8, 4)
    assert torch.equal(fused(images), model(images))


class Standardised(nn.Conv2d):
    """A convolution by standardised weights, which scaled ones would be again."""

    def forward(self, maps: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean(dim=(1, 2, 3), keepdim=True)
        return nn.functional.conv2d(maps, weight / weight.std(dim=(1, 2, 3), keepdim=True), self.bias)


class Shortcut(nn.Sequential):
    """A sequence that uses what lies between its layers once more."""

    def forward(self, maps: Tensor) -> Tensor:
        between = self[0](maps)
        return between + self[1](between)


def hooked() -> nn.Conv2d:
    convolution = nn.Conv2d(3, 4, 3)
    convolution.register_forward_hook(lambda *each: each[-1].abs())
    return convolution


@pytest.mark.parametrize(
    "layers",
    [
        nn.Sequential(Standardised(3, 4, 3), nn.BatchNorm2d(4)),
        nn.Sequential(weight_norm(nn.Conv2d(3, 4, 3)), nn.BatchNorm2d(4)),
        nn.Sequential(hooked(), nn.BatchNorm2d(4)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
        Shortcut(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)),
    ],
    ids=["subclass", "parametrization", "hook", "no statistics", "own sequence"],
)
def test_layers_of_ones_own_compute_what_they_did(layers: nn.Sequential) -> None:
    images = torch.randn(4, 3, 8, 8)
    layers.train()(images)  # statistics that are not the identity
    layers.eval()
    with torch.no_grad():
        torch.testing.assert_close(fuse_batch_norms(layers)(images), layers(images))


def test_a_model_in_training_is_left_alone() -> None:
    """The copy is in evaluation mode and takes no gradients, and a norm without weights is fused as well."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False)).train()
    fused = fuse_batch_norms(model)
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not fused.training
    assert not any(parameter.requires_grad for parameter in fused.parameters())
    images = torch.randn(2, 3, 8, 4)
    torch.testing.assert_close(fused(images), model.eval()(images))
