"""The examples do what they say."""

import re
import runpy
from pathlib import Path
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
