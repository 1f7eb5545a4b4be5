"""Networks whose calls are noted, and those whose calls do not say what they compute."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from scalereid.inference.export.recording import INPUT, Call, NotRecordedError, Value, record

IMAGE = torch.zeros(1, 3, 4, 2)


class Of(nn.Module):
    """A network of one function, with a parameter."""

    def __init__(self, function: Callable[["Of", Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.tensor([[2.0], [3.0]]))

    def forward(self, images: Tensor) -> Tensor:
        return self.function(self, images)


def test_calls_are_noted_by_names() -> None:
    def function(network: Of, images: Tensor) -> Tensor:
        first, second = network.weight.sigmoid()  # of no image: constants
        return (first * images + second).flatten(1)

    recorded = record(Of(function), IMAGE)
    one, two, three = recorded.calls
    assert (one.function, two.function, three.function) == ("mul", "add", "flatten")
    assert one.arguments[1] == Value(INPUT)
    assert two.arguments[0] == one.results[0]
    assert (two.shapes, three.shapes) == (((-1, 3, 4, 2),), ((-1, 24),))
    assert three == Call("flatten", (two.results[0], 1), {}, (recorded.output,), ((-1, 24),))
    assert [float(each) for each in recorded.constants.values()] == pytest.approx([0.880797, 0.952574])


def test_parameters_keep_their_names_and_are_noted_once() -> None:
    recorded = record(Of(lambda network, images: network.weight[0] * images * network.weight.mT), IMAGE[:, :2, :, :2])
    assert "weight" not in recorded.constants  # only what was computed of it
    recorded = record(
        Of(lambda network, images: images.mean((2, 3)) * network.weight.T * network.weight.T), IMAGE[:, :2]
    )
    assert len(recorded.constants) == 2
    recorded = record(nn.Linear(2, 5), torch.zeros(1, 2))
    assert {name: tuple(each.shape) for name, each in recorded.constants.items()} == {"weight": (5, 2), "bias": (5,)}


def test_the_output_need_not_come_last() -> None:
    def function(_: Of, images: Tensor) -> Tensor:
        found = images.flatten(1)
        found.sum(1)  # of no use
        return found

    recorded = record(Of(function), IMAGE)
    assert (recorded.output, recorded.output_shape) == (recorded.calls[0].results[0], (-1, 24))
    assert record(nn.Identity(), IMAGE).output == Value(INPUT)


def test_a_function_in_place_gives_a_new_value() -> None:
    def function(_: Of, images: Tensor) -> Tensor:
        maps = images + 1
        same = torch.relu_(maps)
        assert same is maps
        return maps + same

    recorded = record(Of(function), IMAGE)
    assert recorded.calls[2].arguments == 2 * recorded.calls[1].results


def written_into(maps: Tensor, *, of_view: bool) -> Tensor:
    """The sum of a tensor and of a view of it, after one of them was written into."""
    view = maps.flatten(1)
    torch.relu_(view if of_view else maps)
    return view + maps.flatten(1)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda _, images: images.reshape(len(images), -1), "__len__ gives no tensor"),
        (lambda _, images: images.reshape(images.size(0), -1), "depend on the number of images"),
        (lambda _, images: images.view(images.shape[0] * 3, 8), "depend on the number of images"),
        (lambda _, images: images + images.max().item(), "item gives no tensor"),
        (lambda _, images: images + 1 if images.sum() > 1 else images, "gives other numbers than float32"),
        (lambda _, images: images + torch.rand(1), "a number changes"),
        (lambda _, images: images.double().float(), "double gives other numbers than float32"),
        (lambda _, images: images.half(), "half gives other numbers than float32"),
        (lambda _, images: images * torch.arange(2), "a constant is int64, not float32"),
        (lambda _, images: images * torch.ones(2, dtype=torch.float64), "a constant is float64, not float32"),
        (lambda _, images: written_into(images + 1, of_view=True), "relu_ writes into what another tensor shows, too"),
        (lambda _, images: written_into(images + 1, of_view=False), "relu_ writes into what another tensor shows, too"),
        (lambda _, images: [images + 1], "its output is no tensor that a call gave"),
        (lambda network, _: network.weight.sigmoid(), "its output is no tensor that a call gave"),
        (lambda _, images: images[:, : len(images.unbind()) + 1], "depend on the number of images"),
    ],
)
def test_calls_that_do_not_say_what_is_computed(function: Callable[[Of, Tensor], Tensor], reason: str) -> None:
    with pytest.raises(NotRecordedError, match=reason):
        record(Of(function), IMAGE)
