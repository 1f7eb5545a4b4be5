import numpy as np
import pytest

from scalereid.detection.layouts import LAYOUTS, find_layout
from tests.detection.graphs import SIZE, yolox


def test_a_layout_is_told_by_outputs_or_named() -> None:
    outputs = {"output": yolox([])}
    assert find_layout(None, outputs, SIZE) is LAYOUTS["yolox"]
    assert find_layout("yolox", outputs, SIZE) is LAYOUTS["yolox"]
    assert find_layout(LAYOUTS["yolox"], outputs, SIZE) is LAYOUTS["yolox"]


def test_one_that_does_not_fit_is_an_error() -> None:
    outputs = {"output": yolox([])}
    with pytest.raises(ValueError, match=r"No such layout: 'yolx'. Did you mean yolox\?"):
        find_layout("yolx", outputs, SIZE)
    with pytest.raises(ValueError) as wrong:
        find_layout("yolov8", outputs, SIZE)
    assert str(wrong.value) == (
        "it gives output (1, 126, 7) for a picture of 64×96; expected of the layout yolov8: a column for each cell: centre, "
        "width, height in pixels of the input, and each class: (1, 4 + classes, n)"
    )
    with pytest.raises(ValueError) as none:
        find_layout(None, {"a": np.zeros((1, 300, 84)), "b": np.zeros(3)}, SIZE)
    assert str(none.value) == (
        "it gives a (1, 300, 84) and b (3,) for a picture of 64×96, which is none of the layouts yolox, yolox-decoded, yolov5, "
        "yolov8, yolo-end-to-end, rf-detr, rt-detr; export it as one of them"
    )
