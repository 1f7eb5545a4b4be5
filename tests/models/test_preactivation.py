import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from scalereid.models.building import build_model
from scalereid.models.cost import cost
from scalereid.models.fusing import fuse_batch_norms
from scalereid.models.preactivation import PreactivationBlock, PreactivationNet, preactivation_resnet, wide_resnet


def norm_relu(maps: Tensor) -> Tensor:
    """A fresh batch norm in evaluation, which divides by √(1 + ε), and ReLU."""
    return maps.relu() / (1 + 1e-5) ** 0.5


def blocks(net: PreactivationNet) -> list[PreactivationBlock]:
    return [module for module in net.eval().modules() if isinstance(module, PreactivationBlock)]


def kernels(block: PreactivationBlock) -> list[Tensor]:
    return [layer.weight for layer in block.branch if isinstance(layer, nn.Conv2d)]


@pytest.mark.parametrize("number", [0, 1])
def test_a_bottleneck_block_by_hand(number: int) -> None:
    block = blocks(preactivation_resnet(depth=20))[2 + number]
    maps = torch.randn(2, 64 if number == 0 else 128, 8, 6)
    ready, stride = norm_relu(maps), 2 if number == 0 else 1
    reduce, spatial, restore = kernels(block)
    assert (reduce.shape[2], spatial.shape[2], restore.shape[2]) == (1, 3, 1)
    assert reduce.shape[0] == spatial.shape[0] == 32
    hidden = norm_relu(functional.conv2d(ready, reduce))
    hidden = norm_relu(functional.conv2d(hidden, spatial, stride=stride, padding=1))
    kept = functional.conv2d(ready, block.get_parameter("shortcut.weight"), stride=2) if number == 0 else maps
    torch.testing.assert_close(block(maps), functional.conv2d(hidden, restore) + kept, rtol=1e-4, atol=1e-4)


def test_a_wide_block_by_hand() -> None:
    block = blocks(wide_resnet(depth=10, width=2))[0]
    maps = torch.randn(2, 16, 8, 6)
    first, second = kernels(block)
    assert first.shape == (32, 16, 3, 3)
    hidden = norm_relu(functional.conv2d(norm_relu(maps), first, padding=1))
    kept = functional.conv2d(norm_relu(maps), block.get_parameter("shortcut.weight"))
    torch.testing.assert_close(block(maps), functional.conv2d(hidden, second, padding=1) + kept, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "depth", "width", "size", "millions", "convolutions"),
    [
        ("preactivation_resnet_cifar", 164, None, 256, 1.7, 166),
        ("wide_resnet_cifar", 40, 4, 256, 8.9, 40),
        ("wide_resnet_cifar", 16, 8, 512, 11.0, 16),
    ],
)
def test_parameters_as_published(
    name: str, depth: int, width: float | None, size: int, millions: float, convolutions: int
) -> None:
    """With ten classes. A ResNet's depth counts its convolutions without the shortcuts' and its classifier, a Wide ResNet's
    all convolutions."""
    model = build_model(name, width=width, options={"depth": depth}, neck="none", embedding_size=size)
    assert round((cost(model, (32, 32)).parameters + size * 10 + 10) / 1e6, 1) == millions
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    assert len(layers) == convolutions


def test_parameters_of_depth_1001() -> None:
    """Published are 10.2 M for what has 10.3 M here, by the blocks that give depth 164 its 1.7 M."""
    with torch.device("meta"):
        net = preactivation_resnet(depth=1001)
    assert sum(parameter.numel() for parameter in net.parameters()) == 10_325_136


@pytest.mark.parametrize("net", [preactivation_resnet(depth=11), wide_resnet(depth=10)], ids=["resnet", "wide"])
def test_small_images_become_maps_of_a_quarter(net: PreactivationNet) -> None:
    maps = net.stage_maps(torch.randn(2, 3, 32, 32))
    assert [tuple(each.shape[2:]) for each in maps] == [(32, 32), (16, 16), (8, 8)]
    assert tuple(each.shape[1] for each in maps) == net.stage_channels
    assert (maps[-1] >= 0).all()


def test_fused_norms_change_nothing() -> None:
    model = build_model("wide_resnet_cifar", options={"depth": 10}, neck="none", embedding_size=64)
    with torch.no_grad():
        model.train()(torch.randn(8, 3, 32, 32))  # so that the norms do something
        images = torch.randn(2, 3, 32, 32)
        expected = model.eval()(images)
        torch.testing.assert_close(fuse_batch_norms(model)(images), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "depth", "message"),
    [
        ("preactivation_resnet_cifar", 50, "depth is 50; expected 2 more than a multiple of 9, such as 20"),
        ("wide_resnet_cifar", 4, "depth is 4; expected 4 more than a multiple of 6, such as 16"),
    ],
)
def test_depths_that_do_not_divide_are_refused(name: str, depth: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_model(name, options={"depth": depth})
