import pytest
import torch
from torch import Generator, Tensor

from scalereid.data.chosen import Rectangles, change_images, draw_rectangles, fill_rectangles


def images(number: int = 6) -> Tensor:
    return torch.randn(number, 3, 8, 4, generator=Generator().manual_seed(0))


@pytest.mark.parametrize("computes_all", [False, True])
def test_chosen_images_change_and_the_others_stay(computes_all: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalereid.data.chosen._computes_all", lambda _: computes_all)
    before, add = images(), torch.arange(6.0)[:, None, None, None]
    chosen = torch.tensor([True, False, False, True, True, False])
    after = change_images(before.clone(), chosen, lambda some, own: some + add[own])
    assert torch.equal(after, before + add * chosen[:, None, None, None])


def test_a_cpu_computes_no_more_than_the_chosen_images() -> None:
    seen: list[tuple[int, int]] = []

    def note(some: Tensor, own: slice) -> Tensor:
        seen.append((own.start, len(some)))
        return some

    change_images(images(), torch.tensor([False, True, False, False, True, False]), note)
    assert seen == [(1, 1), (4, 1)]


@pytest.mark.parametrize("computes_all", [False, True])
def test_rectangles_are_filled_with_colours_of_the_images_as_they_were(
    computes_all: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each image takes the pixels of the one before it, which has been filled itself."""
    monkeypatch.setattr("scalereid.data.chosen._computes_all", lambda _: computes_all)
    before = images(3)
    height, width, top, left = torch.tensor([[2.0, 3, 8], [1.0, 4, 2], [5.0, 0, 0], [3.0, 0, 1]])
    rectangles = Rectangles(height, width, top, left, torch.tensor([True, True, False]))
    after = fill_rectangles(
        before.clone(),
        rectangles,
        torch.tensor([True, True, True]),
        lambda own, y, x: before.permute(0, 2, 3, 1)[own - 1, y.long(), x.long()],
    )
    expected = before.clone()
    expected[0, :, 5:7, 3:4] = before[2, :, 5:7, 3:4]
    expected[1, :, 0:3, 0:4] = before[0, :, 0:3, 0:4]
    assert torch.equal(after, expected)


def test_drawn_rectangles_fit() -> None:
    drawn = draw_rectangles(images(1000), Generator().manual_seed(0), (0.1, 0.9), (0.5, 4.0))
    fits = drawn.found.bool()
    assert int(fits.sum()) > 500
    assert bool(((drawn.top >= 0) & (drawn.top + drawn.height <= 8) & (drawn.height < 8))[fits].all())
    assert bool(((drawn.left >= 0) & (drawn.left + drawn.width <= 4) & (drawn.width < 4))[fits].all())
