"""What comes out of a detector: families of outputs, told by their names, shapes and values, and read as boxes and scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from scalereid.data.image_size import ImageSize

Outputs = Mapping[str, NDArray[Any]]
"""What a network gives for one picture, by the names of its outputs."""
_STRIDES = ((8, 16, 32), (8, 16, 32, 64))  # pixels from cell to cell of the grids of common networks, finest first


class Candidates(NamedTuple):
    """Boxes, most of which show nobody."""

    boxes: NDArray[np.float32]
    """(n, 4) left, top, right and bottom in pixels of the network's input."""
    scores: NDArray[np.float32]
    """(n,) from 0 to 1: how likely each is a person."""


class Head(Protocol):
    """The last part of a detector, of which a family has one form."""

    def fits(self, outputs: Outputs, size: ImageSize) -> bool:
        """Whether these are outputs of the family, for an input of (height, width)."""

    def read(self, outputs: Outputs, size: ImageSize, person: int) -> Candidates:
        """Boxes, with scores for the class of that number.

        Raises:
            ValueError: There is no such class.
        """


@dataclass(frozen=True)
class Rows:
    """A row for each anchor: centre, width, height, whether there is anything, and each class: (1, n, 5 + classes)."""

    anchors: int
    """Number of them for each cell of the grids."""
    decoded: bool
    """Whether centre and size are in pixels of the input. Otherwise they are in cells, from the cell's own corner, and the
    size is a logarithm."""

    def fits(self, outputs: Outputs, size: ImageSize) -> bool:
        """See `Head`. Decoded centres are spread over the picture; others are near zero."""
        rows = _single(outputs)
        if rows is None or rows.shape[1] < 6 or len(rows) not in [self.anchors * n for n in cell_counts(size)]:
            return False
        return self.decoded == bool(rows[:, 0].max() > size[1] / 2)

    def read(self, outputs: Outputs, size: ImageSize, person: int) -> Candidates:
        """See `Head`."""
        rows = _of(outputs)
        centres, sizes = rows[:, :2], rows[:, 2:4]
        if not self.decoded:
            corners, stride = _grid(size, len(rows) // self.anchors)
            with np.errstate(over="ignore"):  # of a box that nobody takes, as it is not finite
                centres, sizes = (centres + corners) * stride, np.exp(sizes) * stride
        return Candidates(_edges(centres, sizes), rows[:, 4] * _class(rows[:, 5:], person))


@dataclass(frozen=True)
class Columns:
    """A column for each cell: centre, width, height in pixels of the input, and each class: (1, 4 + classes, n)."""

    def fits(self, outputs: Outputs, size: ImageSize) -> bool:
        """See `Head`."""
        columns = _single(outputs)
        return columns is not None and len(columns) >= 5 and columns.shape[1] in cell_counts(size)

    def read(self, outputs: Outputs, size: ImageSize, person: int) -> Candidates:  # noqa: ARG002
        """See `Head`."""
        rows = _of(outputs).T
        return Candidates(_edges(rows[:, :2], rows[:, 2:4]), _class(rows[:, 4:], person))


@dataclass(frozen=True)
class EndToEnd:
    """A row for each box: left, top, right, bottom in pixels of the input, score and number of the class: (1, n, 6)."""

    def fits(self, outputs: Outputs, size: ImageSize) -> bool:
        """See `Head`."""
        rows = _single(outputs)
        of_cells = {anchors * n for anchors in (1, 3) for n in cell_counts(size)}
        return rows is not None and rows.shape[1] == 6 and len(rows) not in of_cells

    def read(self, outputs: Outputs, size: ImageSize, person: int) -> Candidates:  # noqa: ARG002
        """See `Head`."""
        rows = _of(outputs)
        rows = rows[rows[:, 5] == person]
        return Candidates(rows[:, :4], rows[:, 4])


@dataclass(frozen=True)
class Queries:
    """`dets`, centre and size as shares of the input, and `labels`, the logits of each class: (1, n, 4) and (1, n, classes)."""

    def fits(self, outputs: Outputs, size: ImageSize) -> bool:  # noqa: ARG002
        """See `Head`."""
        shapes = {name: outputs[name].shape for name in ("dets", "labels") if name in outputs}
        if len(shapes) < 2 or any(len(shape) != 3 for shape in shapes.values()):
            return False
        return shapes["dets"] == (1, shapes["labels"][1], 4)

    def read(self, outputs: Outputs, size: ImageSize, person: int) -> Candidates:
        """See `Head`."""
        shares, logits = (outputs[name][0].astype(np.float32, copy=False) for name in ("dets", "labels"))
        pixels = shares * np.array(size[::-1] * 2, np.float32)
        scores = 0.5 + 0.5 * np.tanh(0.5 * _class(logits, person))  # the sigmoid, which no number overflows
        return Candidates(_edges(pixels[:, :2], pixels[:, 2:]), scores)


@dataclass(frozen=True)
class Listed:
    """`boxes`, their `scores` and their classes, `labels`: (1, n, 4), (1, n) and (1, n)."""

    def fits(self, outputs: Outputs, size: ImageSize) -> bool:  # noqa: ARG002
        """See `Head`."""
        if not {"boxes", "scores", "labels"} <= outputs.keys():
            return False
        shape = outputs["labels"].shape
        return len(shape) == 2 and outputs["scores"].shape == shape and outputs["boxes"].shape == (*shape, 4)

    def read(self, outputs: Outputs, size: ImageSize, person: int) -> Candidates:  # noqa: ARG002
        """See `Head`. The network was told the size of its input as that of the picture, so boxes are in pixels of it."""
        chosen = outputs["labels"][0] == person
        boxes, scores = (outputs[name][0][chosen].astype(np.float32, copy=False) for name in ("boxes", "scores"))
        return Candidates(boxes, scores)


def cell_counts(size: ImageSize) -> list[int]:
    """How many cells grids over an input of (height, width) have, of each choice of strides."""
    return [sum((size[0] // stride) * (size[1] // stride) for stride in strides) for strides in _STRIDES]


def _grid(size: ImageSize, cells: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The column and row (n, 2) of each cell, and its stride (n, 1)."""
    corners, strides = [], []
    for stride in _STRIDES[cell_counts(size).index(cells)]:
        rows, columns = np.mgrid[: size[0] // stride, : size[1] // stride]
        corners.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _single(outputs: Outputs) -> NDArray[Any] | None:
    """The one output, of one picture, as a matrix; None where it is something else."""
    found = next(iter(outputs.values()))
    return found[0] if len(outputs) == 1 and found.ndim == 3 and len(found) == 1 else None


def _of(outputs: Outputs) -> NDArray[np.float32]:
    (only,) = outputs.values()
    return only[0].astype(np.float32, copy=False)


def _edges(centres: NDArray[Any], sizes: NDArray[Any]) -> NDArray[np.float32]:
    return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)


def _class(scores: NDArray[np.float32], person: int) -> NDArray[np.float32]:
    """The column of a class."""
    if person >= scores.shape[1]:
        raise ValueError(f"the class of people is {person}; the detector has {scores.shape[1]}, numbered from 0")
    return scores[:, person]
