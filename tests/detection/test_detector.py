"""Detectors with known outputs, and the real one."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("onnx", reason="the extra `export` is not installed")
from scalereid.detection.detector import Detection, open_detector
from scalereid.detection.layouts import LAYOUTS
from tests.detection.graphs import SIZE, write_detector, yolox
from tests.inference.networks import write_onnx

# Two people and the second one's double, in cells of the strides 16 and 8; pictures of 192×128 are twice as large.
PERSON = (96 + 6 + 1, (0.875, 0.875, log(1.25), log(2.5)), 0.9)  # 20, 10, 40, 50
OTHER = (6, (0.5, 2.5, log(2), log(4)), 0.6)  # 52 ± 8, 20 ± 16
DOUBLE = (7, (-0.25, 2.5, log(2), log(4)), 0.5)  # 54 ± 8: two pixels to the right
FOUND = [Detection((40, 20, 80, 100), 0.9), Detection((88, 8, 120, 72), 0.6)]
PICTURE = Image.new("RGB", (192, 128), (90, 90, 90))
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(outputs: Any = None, **options: Any) -> Path:
        outputs = {"output": yolox([PERSON, OTHER, DOUBLE])} if outputs is None else outputs
        return write_detector(tmp_path / "found.onnx", outputs, **options)

    return written


def test_people_in_a_picture(write: Write) -> None:
    detector = open_detector(write())
    assert (detector.name, detector.layout.name, detector.image_size) == ("found.onnx", "yolox", SIZE)
    assert repr(detector) == "<Detector found.onnx: yolox, 64×96>"
    assert detector.people(PICTURE) == FOUND
    assert detector.people(np.asarray(PICTURE)) == FOUND
    assert [one.score for one in open_detector(write(), least_score=0.7).people(PICTURE)] == [0.9]
    apart = replace(LAYOUTS["yolox"], overlap=0.9)
    assert [one.score for one in open_detector(write(), layout=apart).people(PICTURE)] == [0.9, 0.6, 0.5]


def test_boxes_are_within_the_picture(write: Write) -> None:
    sides = [
        (0, (0, 0, log(2), log(4)), 0.9),
        (11, (9, 0, 0, 0), 0.8),
        (50, (0, 0, -9, 0), 0.7),
        (60, (0, 0, 9, 9), 0.6),
        (70, (0, 0, 99, 999), 0.8),
        (71, (0, 0, 999, 99), 0.8),
    ]
    found = open_detector(write({"output": yolox(sides)})).people(PICTURE)
    # One is cut off at the corner; one is outside; one is narrower than two pixels; one is larger than the picture; two
    # have no end.
    assert [one.box for one in found] == [(0, 0, 16, 32), (0, 0, 192, 128)]


def test_boxes_are_those_of_the_upright_picture(write: Write, tmp_path: Path) -> None:
    """What is stored lying on its side is found as it is shown."""
    turned, exif = PICTURE.transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    turned.save(tmp_path / "turned.jpg", exif=exif)
    detector = open_detector(write())
    assert detector.people(tmp_path / "turned.jpg") == FOUND
    assert detector.people(Image.open(tmp_path / "turned.jpg")) == FOUND


def test_two_networks_of_the_detr_kind(write: Write) -> None:
    shares = np.array([[[30 / 96, 30 / 64, 20 / 96, 40 / 64]]], np.float32)
    logits = np.full((1, 1, 91), -9, np.float32)
    logits[0, 0, 1] = log(9)
    detector = open_detector(write({"dets": shares, "labels": logits}))
    assert (detector.layout.name, detector.person) == ("rf-detr", 1)
    assert detector.people(PICTURE) == FOUND[:1]
    edges = np.array([[[20 / 96, 10 / 64, 40 / 96, 50 / 64]]], np.float32)
    outputs = {"labels": np.array([[0]]), "boxes": edges, "scores": np.array([[0.9]], np.float32)}
    detector = open_detector(write(outputs, sizes=True))
    assert (detector.layout.name, detector.person) == ("rt-detr", 0)
    assert detector.people(PICTURE) == FOUND[:1]
    assert open_detector(write(outputs, sizes=True), person=1).people(PICTURE) == []


def test_a_file_says_which_class_is_a_person(write: Write) -> None:
    names = {"names": "{0: 'car', 1: 'person'}"}
    assert open_detector(write(metadata=names)).person == 1
    assert open_detector(write(metadata=names)).people(PICTURE) == []
    assert open_detector(write(metadata=names), person=0).people(PICTURE) == FOUND
    assert open_detector(write(metadata={"names": "['Pedestrian', 'car']"})).person == 0
    for metadata, why in (
        ({"names": "{0: 'car', 1: 'dog'}"}, "none of its classes is person: car, dog; say the number of one"),
        ({"names": "{0: 'car"}, 'its names of classes cannot be read: "{0: \'car"'),
        ({"names": "{None: 1}"}, "its names of classes cannot be read"),
        ({"names": "3"}, "its names of classes cannot be read: '3'"),
        ({"task": "pose"}, "its task is pose; expected detect"),
    ):
        with pytest.raises(ValueError, match=f"found.onnx cannot be used to find people: {why}"):
            open_detector(write(metadata=metadata))


def test_what_is_not_a_detector_is_told(write: Write, tmp_path: Path) -> None:
    def said(file: Path, **options: Any) -> str:
        with pytest.raises((ValueError, OSError)) as error:
            open_detector(file, **options)
        return str(error.value)

    assert said(tmp_path / "none.onnx") == f"No such file: {tmp_path / 'none.onnx'}"
    assert said(tmp_path / "x.pt") == f"{tmp_path / 'x.pt'} is not a .onnx file; expected a detector in ONNX's format"
    (tmp_path / "cut.onnx").write_bytes(write().read_bytes()[:300])
    assert "cut.onnx cannot be read, it is damaged or cut off" in said(tmp_path / "cut.onnx")
    assert "which is none of the layouts" in said(write_onnx(tmp_path / "embeds.onnx"))
    assert "expected of the layout rf-detr: `dets`, centre and size as" in said(write(), layout="rf-detr")
    assert "takes 4 pictures at a time; export it for one" in said(write(takes=(4, 3, *SIZE)))
    assert "takes images of any size" in said(write(takes=(1, 3, "h", "w")))
    assert "person is -1; expected a whole number of at least 0" in said(write(), person=-1)
    assert "the class of people is 9; the detector has 2" in said(write(), person=9)
    assert "layout is 3; expected str or Layout or None" in said(write(), layout=3)
    assert "least_score is 40; expected a number from 0 to 1" in said(write(), least_score=40)
    logits = {"output": yolox([(0, (0, 0, 0, 0), 7.5)])}
    assert "scores for a grey picture are from 0 to 7.5; expected 0 to 1" in said(write(logits))


def test_several_threads_find_the_same(write: Write) -> None:
    detector = open_detector(write())
    with ThreadPoolExecutor(4) as pool:
        assert all(found == FOUND for found in pool.map(detector.people, [PICTURE] * 40))


def test_a_picture_that_cannot_be_read(write: Write, tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"x\.jpg cannot be read as an image"):
        open_detector(write()).people(tmp_path / "x.jpg")


ALONE = """
import sys

class Refuse:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {"torch", "safetensors", "tyro", "rich", "onnx", "onnxscript", "scipy", "cv2"}:
            raise ModuleNotFoundError(f"{name} is refused")

sys.meta_path.insert(0, Refuse())
from PIL import Image
from scalereid.detection.detector import open_detector

print(open_detector(sys.argv[1]).people(Image.new("RGB", (192, 128))))
"""


def test_nothing_needs_torch(write: Write) -> None:
    done = subprocess.run([sys.executable, "-c", ALONE, str(write())], check=True, capture_output=True, text=True)
    assert (
        done.stdout.strip()
        == "[Detection(box=(40.0, 20.0, 80.0, 100.0), score=0.9), Detection(box=(88.0, 8.0, 120.0, 72.0), score=0.6)]"
    )
