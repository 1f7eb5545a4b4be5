import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from scalereid.data.images import read_image
from scalereid.data.records import ReidDataset
from scalereid.inference.pixels import cut_boxes, one_by_one, to_pixels

SIZE = (64, 32)


def test_every_kind_of_input_gives_the_pixels_of_training(people: ReidDataset) -> None:
    path = people.query[0].path
    expected = read_image(path, SIZE)
    with Image.open(path) as image:
        array = np.asarray(image.convert("RGB"))
        kinds: list[Any] = [path, str(path), image, array, torch.from_numpy(array.copy()).permute(2, 0, 1)]
        for kind in kinds:
            assert (to_pixels(kind, SIZE) == expected).all()
    assert (to_pixels(array[..., ::-1], SIZE, "BGR") == expected).all()
    assert (to_pixels(array[..., ::-1], SIZE) != expected).any()


def test_one_or_several_or_a_stack(tmp_path: Path) -> None:
    image, array = Image.new("RGB", (4, 8)), np.zeros((8, 4, 3), np.uint8)
    single: list[Any] = ["a.jpg", tmp_path, image, array, torch.zeros(3, 8, 4)]
    assert [len([*one_by_one(kind)]) for kind in single] == [1] * 5
    assert len([*one_by_one(["a.jpg", image, array])]) == 3
    stacks: list[Any] = [np.zeros((5, 8, 4, 3), np.uint8), torch.zeros(5, 3, 8, 4)]
    for stack, shape in zip(stacks, ((8, 4, 3), (3, 8, 4)), strict=True):
        ones: list[Any] = [*one_by_one(stack)]
        assert [tuple(one.shape) for one in ones] == [shape] * 5
    assert [*one_by_one(iter(()))] == []


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 4, 3)), r"a ndarray of float64 with shape \[8, 4, 3\] is not an image: arrays are uint8"),
        (np.zeros((8, 4), np.uint8), r"shape \[8, 4\] is not an image"),
        (np.zeros((8, 4, 4), np.uint8), "is not an image"),
        (np.zeros((0, 4, 3), np.uint8), "is not an image"),
        (torch.zeros(3, 8, 4), "a Tensor of float32"),
        (torch.zeros(8, 4, 3, dtype=torch.uint8), r"tensors uint8 \(3, height, width\)"),
        (Image.new("RGB", (0, 8)), "a Pillow image of 0×8 pixels is not an image"),
        (Image.new("I;16", (4, 8)), "a Pillow image of mode I;16 has more than 8 bits a channel; convert it"),
        ("nowhere.jpg", "nowhere.jpg cannot be read as an image"),
    ],
)
def test_what_is_no_image_is_said(image: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_pixels(image, SIZE)


def test_a_damaged_pillow_image_is_said(people: ReidDataset, tmp_path: Path) -> None:
    data = people.query[0].path.read_bytes()
    (tmp_path / "half.jpg").write_bytes(data[: len(data) // 2])
    with Image.open(tmp_path / "half.jpg") as image, pytest.raises(ValueError, match="a Pillow image cannot be read: "):
        to_pixels(image, SIZE)


@pytest.fixture
def frame() -> Any:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_boxes_are_cut_out_of_a_frame(frame: Any) -> None:
    parts = cut_boxes(frame, np.array([[3.4, 5.6, 20, 30], [-5, -5, 10, 10], [50, 30, 99, 99]]))
    for part, expected in zip(parts, [frame[6:30, 3:20], frame[:10, :10], frame[30:, 50:]], strict=True):
        assert (np.asarray(part) == expected).all()
    [of_tensor] = cut_boxes(torch.from_numpy(frame).permute(2, 0, 1), torch.tensor([[3, 6, 20, 30]]))
    [of_image] = cut_boxes(Image.fromarray(frame), [[3, 6, 20, 30]])
    for part in (of_tensor, of_image):
        assert (np.asarray(part) == frame[6:30, 3:20]).all()
    assert [*cut_boxes(frame, [])] == [*cut_boxes(frame, np.empty((0, 4)))] == [*cut_boxes([], [])] == []


def test_boxes_are_cut_out_of_several_frames(frame: Any) -> None:
    """In the order of the frames; a frame may have none."""
    other = frame[::-1].copy()
    one, two = [3, 6, 20, 30], [0, 0, 10, 10]
    expected = [frame[6:30, 3:20], frame[:10, :10], other[6:30, 3:20]]
    several: list[Any] = [
        [[one, two], [], [one]],
        [np.array([one, two]), np.empty((0, 4)), torch.tensor([one])],
        ([one, two], np.empty((0, 4)), [one]),
        iter([[one, two], [], [one]]),
    ]
    for boxes in several:
        parts = [*cut_boxes([frame, frame, other], boxes)]
        assert all((np.asarray(a) == b).all() for a, b in zip(parts, expected, strict=True))
    stack = cut_boxes(np.stack([frame, other]), np.array([[one], [two]]))
    for part, wanted in zip(stack, [frame[6:30, 3:20], other[:10, :10]], strict=True):
        assert (np.asarray(part) == wanted).all()
    assert [*cut_boxes([frame, frame], [[], []])] == []


def test_frames_are_taken_one_by_one(frame: Any) -> None:
    """As from a long video."""
    taken = 0

    def video() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield frame

    parts = cut_boxes(video(), ([[0, 0, 5, 5]] for _ in range(1000)))
    for number in range(1, 4):
        next(parts)
        assert taken == number


@pytest.mark.parametrize("boxes", [[[10, 10, 5, 20]], [[70, 0, 80, 10]], [[0, 0, 0.3, 10]]])
def test_boxes_beside_a_frame_are_named(boxes: Any, frame: Any) -> None:
    boxes = [*boxes, [0, 0, 10, 20]]
    [error, part] = cut_boxes(frame, boxes)
    assert re.search("^box 0, .* has no pixels within the frame of 60×40; boxes are left, top", str(error))
    assert np.shape(part) == (20, 10, 3)  # type: ignore[arg-type]
    [_, error, _] = cut_boxes([frame, frame], [boxes[1:], boxes])
    assert re.search("^frame 1, box 0, .* has no pixels within", str(error))


def test_boxes_of_a_frame_that_cannot_be_read(frame: Any) -> None:
    assert [str(part)[:32] for part in cut_boxes("nowhere.jpg", [[0, 0, 1, 1]] * 2)] == [
        "nowhere.jpg cannot be read as an"
    ] * 2
    [_, error] = cut_boxes([frame, frame.astype(float)], [[[0, 0, 1, 1]]] * 2)
    assert "frame 1, a ndarray of float64 with shape [40, 60, 3] is not an image" in str(error)
    with pytest.raises(ValueError, match="^box 1 is not four finite numbers"):
        [*cut_boxes(frame, np.array([[0, 0, 1, 1], [0, 0, np.nan, 5]]))]
    with pytest.raises(ValueError, match="^frame 1, box 0 is not four finite numbers"):
        [*cut_boxes([frame, frame], [[], [[0, 0, np.nan, 5]]])]


@pytest.mark.parametrize("boxes", [[1, 2, 3, 4], [[1, 2, 3]], [[[1, 2, 3]]]])
def test_boxes_are_four_numbers_each(boxes: Any, frame: Any) -> None:
    with pytest.raises(ValueError, match=r"boxes have shape .*; they must be \(n, 4\) numbers"):
        [*cut_boxes(frame, boxes)]


@pytest.mark.parametrize(
    ("number", "boxes", "message"),
    [
        (2, [[0, 0, 5, 5]], "the boxes are of one frame, but several frames are given; give a list"),
        (0, [[0, 0, 5, 5]], "the boxes are of one frame, but no frame is given"),
        (2, [], "the boxes are of one frame, but several frames are given"),
        (2, [[[0, 0, 5, 5]]], "boxes end after 1; give one"),
        (1, [[[0, 0, 5, 5]]] * 2, "frames end after 1; give one"),
    ],
)
def test_there_are_as_many_arrays_of_boxes_as_frames(frame: Any, number: int, boxes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        [*cut_boxes([frame] * number, boxes)]
