from pathlib import Path

import numpy as np
from PIL import Image

from scalereid.detection.detector import Detection
from scalereid.figures.scenes import draw_people, write_people

GREY, LINE = (90, 90, 90), (255, 196, 0)


def test_a_box_and_a_score_are_drawn_and_nothing_else_is_changed(tmp_path: Path) -> None:
    picture = Image.new("RGB", (200, 150), GREY)
    people = [Detection((60.0, 50.0, 100.0, 120.0), 0.87), Detection((120.4, 0.0, 200.0, 149.9), 0.5)]
    drawn = draw_people(picture, people)
    pixels = np.asarray(drawn)
    for at in ((60, 80), (61, 80), (100, 80), (80, 50), (80, 120), (121, 80)):
        assert drawn.getpixel(at) == LINE, at
    for at in ((58, 80), (63, 80), (80, 80), (103, 80), (80, 124), (150, 80)):
        assert drawn.getpixel(at) == GREY, at
    label = pixels[34:48, 60:80].reshape(-1, 3)  # above the box: dark letters on its colour
    assert (label == LINE).all(axis=1).any() and (label < 60).all(axis=1).any()
    inside = pixels[2:14, 122:140].reshape(-1, 3)  # at the top edge: within the box
    assert (inside < 60).all(axis=1).any()
    assert (np.asarray(picture) == GREY).all()
    write_people(picture, people, tmp_path / "new" / "drawn.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new" / "drawn.png")), pixels)
