import pytest
import torch
from torch import nn
from torch.nn import functional

from scalereid.models import BACKBONES
from scalereid.models.dslnet import DenseScaleBlock, DSLNet
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.fusion import Addition, ChannelwiseSelection
from scalereid.models.genotype import AIN, IBN, Genotype
from scalereid.models.osnet import OSNet
from tests.conftest import same


@pytest.mark.parametrize("dense", [True, False])
def test_block_is_the_papers_formula(dense: bool) -> None:
    """x_i = H_i(x_0 + … + x_{i−1}), or H_i(x_{i−1}); streams x_2, x_4, x_6."""
    block = DenseScaleBlock(20, 48, dense=dense).eval()
    maps = torch.randn(2, 20, 8, 6)
    x = [block.reduce(maps)]
    for layer in block.layers:
        x.append(layer(torch.stack(x).sum(dim=0) if dense else x[-1]))
    assert len(x) == 7
    fused = block.fusion([x[2], x[4], x[6]])
    expected = functional.relu(block.expand(fused) + block.shortcut(maps))
    torch.testing.assert_close(block(maps), expected)


def test_receptive_fields_are_5_9_and_13() -> None:
    """Of the single streams without dense connections; with them each also holds all smaller ones."""
    for layer, reach in ((2, 2), (4, 4), (6, 6)):
        block = DenseScaleBlock(4, 12, dense=False, stream_layers=(layer,), fusion=Addition).eval()
        for norm in (module for module in block.modules() if isinstance(module, nn.BatchNorm2d)):
            nn.init.constant_(norm.bias, 100.0)  # no ReLU is dead
        maps = torch.randn(1, 4, 21, 21, requires_grad=True)
        block(maps)[0, :, 10, 10].sum().backward()
        assert maps.grad is not None
        seen = maps.grad.abs().sum(dim=(0, 1)).nonzero()
        assert seen.min() == 10 - reach
        assert seen.max() == 10 + reach


def test_widths_of_the_paper() -> None:
    net = DSLNet()
    assert net.stem.conv.out_channels == 60
    assert net.stage_channels == (252, 384, 516)
    blocks = [module for module in net.modules() if isinstance(module, DenseScaleBlock)]
    assert len(blocks) == 6
    assert [block.reduce.conv.out_channels for block in blocks] == [63, 63, 96, 96, 129, 129]
    assert [isinstance(block.shortcut, nn.Identity) for block in blocks] == [False, True] * 3
    assert all(block.stream_layers == [2, 4, 6] and len(block.layers) == 6 for block in blocks)


@pytest.mark.parametrize("width", [0.1, 0.25, 0.27, 0.33, 0.5, 0.75, 1.3])
def test_every_width_splits(width: float) -> None:
    net = DSLNet(width=width)
    assert all(channels % 12 == 0 for channels in net.stage_channels)
    wanted = [channels * width for channels in (252, 384, 516)]
    assert all(abs(had - want) <= 6 or had == 12 for had, want in zip(net.stage_channels, wanted, strict=True))
    assert net.eval()(torch.randn(1, 3, 64, 32)).shape == (1, net.out_channels, 4, 2)


def test_stage_maps_lead_to_the_feature_maps() -> None:
    model = EmbeddingModel(DSLNet(width=0.25)).eval()
    images = torch.randn(2, 3, 64, 32)
    embeddings, stages, _ = model.with_stages(images)
    assert torch.equal(embeddings, model(images))
    assert torch.equal(stages[-1], model.feature_maps(images))
    assert tuple(maps.shape[1] for maps in stages) == model.backbone.stage_channels


@pytest.mark.parametrize("layers", [(), (0, 2), (2, 7), (3, 3)])
def test_stream_layers_that_do_not_exist(layers: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"stream_layers is .* must contain different layers from 1 to 6"):
        DSLNet(stream_layers=layers)


def test_stream_layers_can_be_named_in_any_order_and_end_the_group() -> None:
    block = DenseScaleBlock(12, 48, stream_layers=(5, 1, 3))
    assert block.stream_layers == [1, 3, 5]
    assert len(block.layers) == 5


def test_ablations_change_what_they_say() -> None:
    def state(name: str) -> dict[str, torch.Tensor]:
        return BACKBONES[name](width=0.25).state_dict()

    torch.manual_seed(1)
    full = state("dslnet")
    torch.manual_seed(1)
    assert same(full, state("dslnet_not_dense"))  # the connections hold no weights
    torch.manual_seed(1)
    images = torch.randn(1, 3, 32, 16)
    nets = [BACKBONES[name](width=0.25).eval() for name in ("dslnet", "dslnet_not_dense")]
    for net in nets:
        net.load_state_dict(full)
    assert not torch.allclose(nets[0](images), nets[1](images))
    assert not [name for name in state("dslnet_addition") if ".fusion." in name]
    splits = [
        module.reduce.groups
        for name in ("dslnet", "dslnet_unsplit")
        for module in BACKBONES[name]().modules()
        if isinstance(module, ChannelwiseSelection)
    ]
    assert splits == [3] * 6 + [1] * 6


@pytest.mark.parametrize(("name", "genotype"), [("dslnet_ain", AIN), ("dslnet_ibn", IBN)])
def test_instance_norm_stands_where_osnet_has_it(name: str, genotype: Genotype) -> None:
    """In the stem, at the end of a block's residual branch, and after its addition."""

    def places(net: nn.Module) -> list[str]:
        found = [name for name, module in net.named_modules() if isinstance(module, nn.InstanceNorm2d)]
        return [name.replace("expand", "restore") for name in found]

    net = BACKBONES[name](width=0.25)
    assert places(net) == places(OSNet(width=0.25, genotype=genotype))


def test_without_instance_norm_it_has_the_weights_that_it_always_had() -> None:
    """Runs from before there were placements still load: the names, and one norm after the last convolution."""
    names = [name for name in DSLNet(width=0.25).state_dict() if name.startswith("stages.0.1.")]
    modules = dict.fromkeys(name.rpartition(".")[0].removeprefix("stages.0.1.") for name in names)
    layers = [f"layers.{i}.{part}" for i in range(6) for part in ("pointwise", "depthwise", "norm")]
    selection = ["fusion.reduce", "fusion.restore"]
    assert [*modules] == ["reduce.conv", "reduce.norm", *layers, *selection, "expand.conv", "expand.norm"]
