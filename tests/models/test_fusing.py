import pytest
import torch
from torch import nn

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
