"""The examples do what they say."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scalereid import Embedder
from scalereid.data.records import ReidDataset
from scalereid.data.toy.camera import CAMERAS, photograph
from scalereid.data.toy.people import draw_people

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def run_example(name: str, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_raw_pixels(people: ReidDataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run_example("raw_pixels.py", "csv", str(people.root), monkeypatch=monkeypatch)
    assert re.search(r"euclidean: mAP \d+\.\d\d%, rank-1 .*\ncosine: mAP", capsys.readouterr().out)


@pytest.fixture(scope="module")
def walkers() -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(3)
    return [np.asarray(photograph(person, CAMERAS[0], rng).resize((40, 80))) for person in draw_people(3, rng)]


def scene(*seen: tuple[NDArray[np.uint8], int]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """A frame with people at given positions, and their boxes."""
    frame = np.full((120, 320, 3), 90, np.uint8)
    boxes = []
    for picture, left in seen:
        frame[20:100, left : left + 40] = picture
        boxes.append([left, 20, left + 40, 100])
    return frame, np.array(boxes, dtype=float).reshape(-1, 4)


def story(walkers: list[NDArray[np.uint8]]) -> list[tuple[NDArray[np.uint8], NDArray[np.float64]]]:
    """The first walks through; no person; the second walks; both, the first where the second was; then a third."""
    first, second, third = walkers
    frames = [scene((first, 4 * i)) for i in range(12)] + [scene()] * 40
    frames += [scene((second, 120 + 4 * i)) for i in range(12)] + [scene()] * 40
    frames += [scene((first, 120 + 4 * i), (second, 10 + 4 * i)) for i in range(12)] + [scene()] * 40
    return frames + [scene((third, 4 * i)) for i in range(12)]


def test_people_who_return_to_a_tracker(run: Path, walkers: list[NDArray[np.uint8]]) -> None:
    trackers = pytest.importorskip("trackers", reason="trackers is not installed: NOT tested", exc_type=ImportError)
    import supervision

    returning_class = runpy.run_path(str(EXAMPLES / "tracking.py"))["Returning"]
    alone = trackers.ByteTrackTracker()
    returning = returning_class(
        trackers.ByteTrackTracker(), Embedder(run, runtime="torch"), least_cosine=0.9999, channels="RGB"
    )
    numbers: list[set[int]] = []
    for frame, boxes in story(walkers):
        seen = returning.update(supervision.Detections(xyxy=boxes, confidence=np.ones(len(boxes))), frame)
        assert len(seen.xyxy) == len(seen.tracker_id) <= len(boxes)
        numbers.append(set(seen.tracker_id.tolist()))
    without: set[int] = set()
    for _, boxes in story(walkers):
        seen = alone.update(supervision.Detections(xyxy=boxes, confidence=np.ones(len(boxes))))
        without |= {int(number) for number in seen.tracker_id if number >= 0}
    assert len(without) == 5  # by boxes alone each person who appears is new
    assert [numbers[i] for i in (11, 63, 115, 167)] == [{1}, {2}, {1, 2}, {3}]
    assert set().union(*numbers) == {1, 2, 3}


def test_two_boxes_never_get_one_number(run: Path) -> None:
    """A person whom the tracker misses in a frame is not gone, however similar another one looks."""
    pytest.importorskip("trackers", reason="trackers is not installed: NOT tested", exc_type=ImportError)
    import supervision

    class Numbering:
        def update(self, detections: Any) -> Any:
            detections.tracker_id = np.array(numbers.pop(0))
            return detections

    numbers = [[1], [2], [1, 2]]
    returning_class = runpy.run_path(str(EXAMPLES / "tracking.py"))["Returning"]
    returning = returning_class(Numbering(), Embedder(run, runtime="torch"), least_cosine=-1)
    found = []
    for boxes in ([[0, 0, 40, 80]], [[0, 0, 40, 80]], [[0, 0, 40, 80], [50, 0, 90, 80]]):
        frame = np.zeros((120, 320, 3), np.uint8)
        found.append(returning.update(supervision.Detections(xyxy=np.array(boxes, float)), frame).tracker_id.tolist())
    assert found == [[1], [2], [1, 2]]


def test_tracking_of_files(
    run: Path,
    walkers: list[NDArray[np.uint8]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("trackers", reason="trackers is not installed: NOT tested", exc_type=ImportError)
    (tmp_path / "frames").mkdir()
    lines: list[Any] = []
    frames = (
        [scene((walkers[0], 4 * i)) for i in range(6)] + [scene()] * 40 + [scene((walkers[0], 200)) for _ in range(6)]
    )
    for number, (frame, boxes) in enumerate(frames, start=1):
        Image.fromarray(frame).save(tmp_path / "frames" / f"{number:03d}.png")
        lines += [[number, -1, left, top, right - left, bottom - top, 0.9] for left, top, right, bottom in boxes]
    np.savetxt(tmp_path / "det.txt", lines, delimiter=",")
    run_example("tracking.py", str(run), str(tmp_path / "frames"), str(tmp_path / "det.txt"), monkeypatch=monkeypatch)
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert {row[1] for row in rows} == {"1"}
    assert rows[-1] == ["52", "1", "200.0", "20.0", "40.0", "80.0", "1"]


class Rows:
    """Stands for the session of a YOLOX network of 64×64 pixels: 64 + 16 + 4 cells, of 8, 16 and 32 pixels."""

    def __init__(self, rows: NDArray[np.float32]) -> None:
        self.rows = rows

    def run(self, _: None, given: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        self.canvas = given["images"]
        return [self.rows[None]]

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="images", shape=[1, 3, 64, 64])]


def test_people_are_cut_out_of_a_frame(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: NOT tested")
    rows = np.zeros((84, 85), np.float32)
    for row, width, height, sure, person in (
        (8 * 2 + 3, 8, 16, 0.9, 0.9),  # in the third row and fourth column of small cells
        (8 * 2 + 3, 8, 16, 0.9, 0.9),
        (64 + 4 * 1 + 1, 8, 16, 0.8, 0.9),  # the same box, of larger cells, less sure
        (64 + 16 + 3, 16, 32, 0.7, 0.9),
        (0, 8, 16, 0.9, 0.1),  # something else
    ):
        stride = 8 if row < 64 else 16 if row < 80 else 32
        rows[row, 2:4] = np.log([width / stride, height / stride])
        rows[row, 4:6] = sure, person
    rows[64 + 4 * 1 + 1, :2] = [(24 - 16) / 16, 0]  # its cell begins at 16, 16
    session = Rows(rows)
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda _: session)
    yolox = runpy.run_path(str(EXAMPLES / "detect_people.py"))["YOLOX"]("yolox.onnx")
    frame = np.zeros((64, 128, 3), np.uint8)  # twice as large as the network's image
    frame[..., 0] = 200
    boxes = yolox(frame)
    assert boxes.tolist() == [[40, 16, 56, 48], [48, 32, 80, 96]]
    assert session.canvas.shape == (1, 3, 64, 64)
    assert session.canvas[0, :, 0, 0].tolist() == [0, 0, 200]  # blue, green, red
    assert session.canvas[0, :, 40, 0].tolist() == [114] * 3  # below the frame
    assert Embedder(run, runtime="torch")(frame, boxes=boxes).shape == (2, 32)


@pytest.mark.data
def test_a_real_detector_finds_people(data_root: Path) -> None:
    """At least five of the six people whom the authors of PETS 2009 marked in a frame."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: NOT tested")
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed: NOT tested")
    video = cv2.VideoCapture(str(data_root / "video" / "vtest.avi"))
    frame = [video.read()[1] for _ in range(100)][-1][..., ::-1]
    boxes = runpy.run_path(str(EXAMPLES / "detect_people.py"))["YOLOX"](data_root / "models" / "yolox_nano.onnx")(frame)
    marks = np.loadtxt(data_root / "video" / "PETS09-S2L1_gt.txt", delimiter=",")
    marked = marks[marks[:, 0] == 100][:, 2:6]
    marked[:, 2:] += marked[:, :2]
    sides = np.minimum(boxes[:, None, 2:], marked[:, 2:]) - np.maximum(boxes[:, None, :2], marked[:, :2])
    shared = sides.clip(0).prod(axis=2)
    sizes, marked_sizes = ((one[:, 2:] - one[:, :2]).prod(axis=1) for one in (boxes, marked))
    overlaps = shared / (sizes[:, None] + marked_sizes - shared)
    assert (overlaps.max(axis=0) > 0.6).sum() >= 5
