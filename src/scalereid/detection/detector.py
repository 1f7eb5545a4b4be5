"""A detector of people: an ONNX file of any of the common families, computed by ONNX Runtime."""

import ast
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalereid.arguments import check_kind, check_number, check_whole
from scalereid.detection.heads import Outputs
from scalereid.detection.layouts import Layout, find_layout
from scalereid.detection.placing import place
from scalereid.detection.suppression import suppress
from scalereid.inference.foreign import NetworkInput, find_input
from scalereid.inference.pixel_format import PixelFormat
from scalereid.inference.pixels import Channels, OneImage, to_image
from scalereid.inference.runtimes import inspect_file, runtime_of_file
from scalereid.inference.runtimes.onnx_runtime import open_session
from scalereid.inference.runtimes.threads import threads
from scalereid.packages import require

LEAST_SCORE = 0.4
_SIZES = "orig_target_sizes"  # the second input of some networks: the size of the picture, for their boxes
_SMALLEST = 2.0  # pixels of a box: any such box has a whole pixel in it, however its edges are rounded
_TRIED = 128  # the grey of the picture that a detector is tried on


@dataclass(frozen=True)
class Detection:
    """A person in a picture."""

    box: tuple[float, float, float, float]
    """Left, top, right and bottom in pixels of the upright picture, within it; rounded to hundredths."""
    score: float
    """How sure the detector is, from 0 to 1; no probability, and not comparable with that of another detector."""


class Detector:
    """Finds the people in pictures; see `open_detector`. May be used by several threads at the same time.

    Attributes:
        name: Name of its file.
        layout: How pictures go in, and what its outputs mean.
        image_size: (height, width) to which pictures are resized.
        person: Number of the class of people.
        least_score: Of what it finds.
    """

    def __init__(self, network: "_Network", layout: Layout, person: int, least_score: float) -> None:
        self.name, self.image_size = network.file.name, network.takes.image_size
        self.layout, self.person, self.least_score = layout, person, least_score
        self._network = network

    def __repr__(self) -> str:
        return f"<Detector {self.name}: {self.layout.name}, {self.image_size[0]}×{self.image_size[1]}>"

    def people(self, image: OneImage, channels: Channels = "RGB") -> list[Detection]:
        """The people in a picture, the highest score first.

        Args:
            image: A file, a Pillow image, a uint8 array (H, W, 3) or a uint8 tensor (3, H, W).
            channels: The order in arrays and tensors; OpenCV's is BGR.

        Raises:
            ValueError: It is not a picture, or cannot be read; the message says what it is.
        """
        picture = to_image(image, channels)
        placed = place(picture, self.image_size, self.layout.fit, self.layout.padding)
        outputs = self._network.compute(placed.pixels, self.layout.pixels)
        found, scores = self.layout.head.read(outputs, self.image_size, self.person)
        likely = (scores >= self.least_score) & np.isfinite(found).all(axis=1)
        boxes, scores = placed.back(found[likely]), scores[likely]
        if self.layout.overlap is None:
            order = np.argsort(-scores, kind="stable")
        else:
            order = suppress(boxes, scores, self.layout.overlap)
        boxes, scores = boxes[order].clip(0, picture.size * 2), scores[order]
        large = (boxes[:, 2:] - boxes[:, :2] >= _SMALLEST).all(axis=1)
        return [
            Detection((left, top, right, bottom), score)
            for (left, top, right, bottom), score in zip(
                boxes[large].round(2).tolist(), scores[large].astype(float).round(4).tolist(), strict=True
            )
        ]


def open_detector(
    file: str | os.PathLike[str],
    *,
    layout: Layout | str | None = None,
    person: int | None = None,
    least_score: float = LEAST_SCORE,
) -> Detector:
    """Open an ONNX file that finds people. It is tried on a grey picture.

    Args:
        file: A detector as its project exports it, for one picture of a fixed size.
        layout: How pictures go in and what comes out: one of `LAYOUTS`, by its name, or your own. By default it is told by the
            outputs' names, shapes and values.
        person: Number of the class of people, from 0. Defaults to what the file's own names of classes say, else to the
            layout's, which is COCO's.
        least_score: Detections with a lower one are left out.

    Raises:
        FileNotFoundError: The file does not exist.
        ModuleNotFoundError: ONNX Runtime is not installed; the message says how to install it.
        ValueError: It is not a detector, of no known layout, or does not fit what is said of it; the message says what to do.
    """
    check_kind("layout", layout, str | Layout, or_none=True)
    check_number("least_score", least_score, 0, 1)
    if person is not None:
        check_whole("person", person, 0)
    network = _open(Path(file))
    try:
        return _tried(network, layout, person, least_score)
    except ValueError as error:
        raise ValueError(f"{file} cannot be used to find people: {error}") from error


@dataclass(frozen=True)
class _Network:
    """A file as ONNX Runtime computes it."""

    file: Path
    takes: NetworkInput
    session: Any

    def compute(self, pixels: NDArray[np.uint8], form: PixelFormat) -> Outputs:
        """What it gives for a picture (height, width, 3) in RGB."""
        converted = form.convert(pixels[None], channels_last=self.takes.channels_last)
        image, *more = (each.name for each in self.session.get_inputs())
        size = np.array([self.takes.image_size[::-1]], np.int64)
        inputs = {image: converted.astype(self.takes.dtype, copy=False)} | dict.fromkeys(more, size)
        names = [each.name for each in self.session.get_outputs()]
        return dict(zip(names, self.session.run(names, inputs), strict=True))


def _open(file: Path) -> _Network:
    kind = runtime_of_file(file)
    if kind is None or kind.name != "onnxruntime":
        raise ValueError(f"{file} is not a .onnx file; expected a detector in ONNX's format")
    require("onnxruntime", extra="export", purpose="finding people")
    contents = inspect_file(file)
    if contents.metadata is not None:
        raise ValueError(f"{file} embeds pictures of people; expected a detector, which finds them")
    assert contents.signature, "ONNX Runtime tells it"
    session = open_session(file, threads())
    inputs = contents.signature.inputs
    if [each.name for each in session.get_inputs()][1:] == [_SIZES]:
        inputs = inputs[:1]
    # No outputs: those of a detector say nothing of how many pictures it takes.
    takes = find_input(file, contents.signature._replace(inputs=inputs, outputs=()), PixelFormat())
    if takes.batch not in (None, 1):
        raise ValueError(f"{file} takes {takes.batch} pictures at a time; export it for one")
    return _Network(file, takes, session)


def _tried(network: _Network, layout: Layout | str | None, person: int | None, least_score: float) -> Detector:
    """A detector that has found out on a grey picture what is not said."""
    size = network.takes.image_size
    pixels = np.full((*size, 3), _TRIED, np.uint8)
    try:
        outputs = network.compute(pixels, PixelFormat())
    except Exception as error:  # of ONNX Runtime's many kinds
        reason = str(error).strip().rpartition("\n")[2]
        raise ValueError(f"it cannot be computed for one picture of {size[0]}×{size[1]}: {reason}") from error
    known = find_layout(layout, outputs, size)
    if person is None:
        person = _named_person(network.session.get_modelmeta().custom_metadata_map)
    detector = Detector(network, known, known.person if person is None else person, least_score)
    scores = known.head.read(network.compute(pixels, known.pixels), size, detector.person).scores
    if not ((scores >= 0) & (scores <= 1.001)).all():
        raise ValueError(
            f"its scores for a grey picture are from {scores.min():g} to {scores.max():g}; expected 0 to 1: it is of another "
            f"layout than {known.name}, or has learned other pixels"
        )
    return detector


def _named_person(metadata: dict[str, str]) -> int | None:
    """The number of the class of people by the names in a file of Ultralytics; None where it has none.

    Raises:
        ValueError: None of them is a person's, or the file is for something else than boxes.
    """
    if (task := metadata.get("task", "detect")) != "detect":
        raise ValueError(f"its task is {task}; expected detect")
    if "names" not in metadata:
        return None
    try:
        names = ast.literal_eval(metadata["names"])
        pairs = names.items() if isinstance(names, dict) else enumerate(names)
        by_number = {int(number): str(name) for number, name in pairs}
    except (ValueError, SyntaxError, TypeError) as error:
        raise ValueError(f"its names of classes cannot be read: {metadata['names'][:200]!r}") from error
    found = [number for number, name in by_number.items() if name.lower() in ("person", "pedestrian")]
    if not found:
        raise ValueError(f"none of its classes is person: {_some([*by_number.values()])}; say the number of one")
    return found[0]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
