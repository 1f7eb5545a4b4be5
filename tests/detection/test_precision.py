"""How precise detections are: the benchmark's measure by hand, and the real detector on a part of a real video."""

import runpy
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason="the extra `tracking` is not installed")
pytest.importorskip("onnx", reason="the extra `export` is not installed")
from scalereid.detection.detector import Detection, open_detector

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "detection.py"))
average_precision = BENCHMARK["average_precision"]
TRUTH = [np.array([[0.0, 0, 10, 10], [20, 0, 30, 10]]), np.array([[0.0, 0, 10, 10]]), np.empty((0, 4))]


def at(left: float, score: float) -> Detection:
    return Detection((left, 0, left + 10, 10), score)


def test_average_precision_by_hand() -> None:
    assert average_precision([[at(0, 0.9), at(20, 0.8)], [at(0, 0.7)], []], TRUTH) == 1
    assert average_precision([[], [], []], TRUTH) == 0
    assert average_precision([[at(0, 0.9)], [], []], TRUTH) == pytest.approx(1 / 3)
    # Right, wrong as nobody is there, right: precisions 1, 1/2, 2/3 of which the first and third count.
    assert average_precision([[at(0, 0.9)], [at(0, 0.5)], [at(0, 0.7)]], TRUTH) == pytest.approx((1 + 2 / 3) / 3)
    # The second box of one person is wrong; the third is right, and precision after a place is the best of those to come.
    assert average_precision([[at(0, 0.9), at(1, 0.8), at(20, 0.7)], [], []], TRUTH) == pytest.approx((1 + 2 / 3) / 3)
    # An overlap of 7 of 13 is enough, one of 6 of 14 is not.
    assert average_precision([[at(3, 0.9), at(24, 0.8)], [], []], TRUTH) == pytest.approx(1 / 3)


@pytest.mark.data
def test_yolox_finds_people_in_a_street(data_root: Path) -> None:
    """The whole video gives an AP50 of .86; these frames are its first second."""
    detector = open_detector(data_root / "models" / "yolox_nano.onnx", least_score=0.01)
    assert (detector.layout.name, detector.person, detector.image_size) == ("yolox", 0, (416, 416))
    video = data_root / "video"
    known = BENCHMARK["read_truth"](video / "TUD-Stadtmitte_gt.txt")
    found = [detector.people(frame) for frame in BENCHMARK["frames_of"](video / "TUD-Stadtmitte.mp4", 25)]
    assert len(found) == 25
    truth = [known[number] for number in range(25)]
    assert average_precision(found, truth) >= 0.8
    least = open_detector(data_root / "models" / "yolox_nano.onnx", person=2, least_score=0.01)  # cars
    cars = [least.people(frame) for frame in BENCHMARK["frames_of"](video / "TUD-Stadtmitte.mp4", 3)]
    assert average_precision(cars, truth[:3]) < 0.1
