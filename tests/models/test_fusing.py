import pytest
import torch
from torch import nn

from scalereid.models.building import build_model
from scalereid.models.fusing import folded


@pytest.mark.parametrize("backbone", ["osnet_x0_25", "osnet_ain_x0_25", "dslnet", "resnet50"])
def test_the_same_embeddings_with_fewer_layers(backbone: str) -> None:
    model = build_model(backbone, embedding_size=32)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    model.eval()
    images = torch.randn(3, 3, 64, 32)
    fewer = folded(model)
    with torch.no_grad():
        torch.testing.assert_close(fewer(images), model(images), rtol=1e-3, atol=1e-4)
    assert not [m for m in fewer.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d)]
    assert any(isinstance(m, nn.BatchNorm1d) for m in model.modules())  # the model itself is as it was
