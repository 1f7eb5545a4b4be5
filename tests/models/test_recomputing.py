import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from scalereid.models.building import build_model, to_device
from scalereid.models.embedding_model import EmbeddingModel
from scalereid.models.recomputing import compute
from tests.conftest import same

NETWORKS = ["osnet_x0_25", "osnet_ain_x0_25", "dslnet", "mobilenetv2", "resnet50"]


def trained(backbone: str, *, recompute: bool, bfloat16: bool = False) -> tuple[EmbeddingModel, Tensor]:
    """A model after two forward and backward passes, and the embeddings of the second."""
    torch.manual_seed(0)
    model = to_device(build_model(backbone, embedding_size=16), torch.device("cpu"))
    assert model.backbone.recomputable
    model.backbone.recompute = recompute
    images = torch.randn(4, 3, 64, 32)
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            embeddings, maps, _ = model.with_stages(images)
            loss = embeddings.square().sum() + maps[0].mean()
        loss.backward()  # type: ignore[no-untyped-call]
    return model, embeddings.detach()


@pytest.mark.parametrize(("backbone", "bfloat16"), [*((name, False) for name in NETWORKS), ("osnet_x0_25", True)])
def test_gradients_and_statistics_are_equal_to_the_bit(backbone: str, bfloat16: bool) -> None:
    model, embeddings = trained(backbone, recompute=False, bfloat16=bfloat16)
    other, again = trained(backbone, recompute=True, bfloat16=bfloat16)
    assert torch.equal(embeddings, again)
    assert same(model.state_dict(), other.state_dict())  # each batch counted once by the batch norms
    for (name, one), two in zip(model.named_parameters(), other.parameters(), strict=True):
        assert one.grad is not None, name
        assert two.grad is not None, name
        assert torch.equal(one.grad, two.grad), name


def saved(model: nn.Module, images: Tensor) -> int:
    """Number of bytes of activations that a forward pass saves, outside of blocks that are computed again."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if (address := tensor.untyped_storage().data_ptr()) not in weights:
            storages[address] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        model(images)
    return sum(storages.values())


def test_nothing_within_a_block_is_saved() -> None:
    model = build_model("osnet_x0_25", embedding_size=16)
    images = torch.randn(4, 3, 64, 32)
    whole = saved(model, images)
    model.backbone.recompute = True
    assert saved(model, images) < 0.2 * whole
    model.eval()
    assert saved(model, images) > 0.5 * whole  # in training only


def test_random_draws_are_repeated() -> None:
    dropout = [nn.Dropout(0.5), nn.Linear(8, 8, bias=False)]
    values = torch.ones(4, 8, requires_grad=True)
    torch.manual_seed(1)
    outputs = compute(dropout, values, recompute=True)
    torch.rand(1)
    outputs.sum().backward()  # type: ignore[no-untyped-call]
    torch.manual_seed(1)
    plain = torch.ones(4, 8, requires_grad=True)
    compute(dropout, plain, recompute=False).sum().backward()  # type: ignore[no-untyped-call]
    assert values.grad is not None
    assert plain.grad is not None
    assert torch.equal(values.grad, plain.grad)
