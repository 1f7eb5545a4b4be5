"""Boxes of each family by hand: an input of 64×96, whose grids have 8×12, 4×6 and 2×3 cells."""

from math import log

import numpy as np
import pytest
from numpy.typing import NDArray

from scalereid.detection.heads import Columns, EndToEnd, Head, Listed, Outputs, Queries, Rows, cell_counts
from tests.detection.graphs import CELLS, SIZE, yolox

BOX = [20.0, 10, 40, 50]  # centre 30, 30, of 20×40
CENTRED = [30.0, 30, 20, 40]


def one(values: NDArray[np.float32]) -> Outputs:
    return {"output": values}


def test_how_many_cells_there_are() -> None:
    assert cell_counts(SIZE)[0] == CELLS == 8 * 12 + 4 * 6 + 2 * 3
    assert cell_counts((416, 416))[0] == 3549
    assert cell_counts((640, 640))[0] == 8400
    assert cell_counts((1280, 1280))[1] * 3 == 102_000  # YOLOv5 with four strides


def test_the_raw_grid_of_yolox() -> None:
    # Cell 96 + 6 + 1 has the stride 16, row 1 and column 1: (1 + 0.875) · 16 = 30, 16 · e^log(1.25) = 20.
    raw = yolox([(96 + 6 + 1, (0.875, 0.875, log(1.25), log(2.5)), 0.5)])
    raw[0, 103, 4] = 0.8
    found = Rows(1, decoded=False).read(one(raw), SIZE, 0)
    np.testing.assert_allclose(found.boxes[103], BOX, rtol=1e-6)
    assert found.scores[103] == pytest.approx(0.4)
    assert found.scores.sum() == found.scores[103]
    assert not Rows(1, decoded=False).read(one(raw), SIZE, 1).scores.any()
    # The first cell of the finest grid and the last of the coarsest.
    np.testing.assert_allclose(found.boxes[0], [-4, -4, 4, 4])
    np.testing.assert_allclose(found.boxes[-1], [64 - 16, 32 - 16, 64 + 16, 32 + 16])


def rows(number: int) -> NDArray[np.float32]:
    found = np.zeros((1, number, 7), np.float32)
    found[0, :, 0] = np.linspace(0, 96, number)
    found[0, 5] = [*CENTRED, 0.5, 0.2, 0.8]
    return found


def columns() -> NDArray[np.float32]:
    found = np.zeros((1, 6, CELLS), np.float32)
    found[0, :, 7] = [*CENTRED, 0.2, 0.4]
    return found


QUERIES = {
    "dets": np.array([[[0.5, 0.5, 1, 1], [30 / 96, 30 / 64, 20 / 96, 40 / 64]]], np.float32),
    "labels": np.array([[[-99, -99, -500], [-99, log(0.4 / 0.6), 0]]], np.float32),
}
LISTED = {
    "labels": np.array([[0, 1, 1]]),
    "boxes": np.array([[BOX[::-1], BOX, [0, 0, 9, 9]]], np.float32),
    "scores": np.array([[0.9, 0.4, 0.1]], np.float32),
}
ENDS = np.array([[[0, 0, 9, 9, 0.9, 0], [*BOX, 0.4, 1], [0, 0, 9, 9, 0.1, 1]]], np.float32)
FAMILIES: list[tuple[Head, Outputs]] = [
    (Rows(1, decoded=True), one(rows(CELLS))),
    (Rows(3, decoded=True), one(rows(3 * CELLS))),
    (Columns(), one(columns())),
    (EndToEnd(), one(ENDS)),
    (Queries(), QUERIES),
    (Listed(), LISTED),
]


@pytest.mark.parametrize(("head", "outputs"), FAMILIES)
def test_a_box_of_each_family(head: Head, outputs: Outputs) -> None:
    found = head.read(outputs, SIZE, 1)
    best = int(found.scores.argmax())
    np.testing.assert_allclose(found.boxes[best], BOX, rtol=1e-5)
    assert found.scores[best] == pytest.approx(0.4, rel=1e-6)
    assert found.boxes.dtype == found.scores.dtype == np.float32


@pytest.mark.parametrize(("head", "outputs"), [*FAMILIES, (Rows(1, decoded=False), one(yolox([])))])
def test_each_family_fits_its_own_outputs_alone(head: Head, outputs: Outputs) -> None:
    every = [family for family, _ in FAMILIES] + [Rows(1, decoded=False)]
    assert [each for each in every if each.fits(outputs, SIZE)] == [head]


@pytest.mark.parametrize("head", [Rows(1, decoded=True), Rows(3, decoded=True), Columns(), Queries()])
def test_a_class_that_is_not_there(head: Head) -> None:
    outputs = next(outputs for family, outputs in FAMILIES if family == head)
    many = 3 if isinstance(head, Queries) else 2
    with pytest.raises(ValueError, match=f"the class of people is 7; the detector has {many}, numbered from 0"):
        head.read(outputs, SIZE, 7)


def test_half_precision_is_read_in_float32() -> None:
    half = {"output": rows(CELLS).astype(np.float16)}
    found = Rows(1, decoded=True).read(half, SIZE, 1)
    assert found.boxes.dtype == np.float32
    np.testing.assert_allclose(found.boxes[5], BOX)


def test_sizes_without_bound_are_no_warning() -> None:
    raw = yolox([(0, (0, 0, 1000, 1000), 0.9)])
    assert np.isinf(Rows(1, decoded=False).read(one(raw), SIZE, 0).boxes[0]).all()
