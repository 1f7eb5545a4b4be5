import re

import numpy as np

from scalereid.figures.look.charts import deviation_bar, lines_chart


def points(svg: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'points="([^"]+)"', svg)
    return [[tuple(map(float, pair.split(","))) for pair in each.split()] for each in found]  # type: ignore[misc]


def test_a_line_for_each_stream() -> None:
    shares = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2]])
    svg = lines_chart((1.0, 0.5), shares, ["3×3", "<5>", "7×7"], below="size", alt="shares")
    one, two, three = points(svg)
    assert one[0][0] > one[1][0]  # the smaller size is on the left
    assert one[0][1] < one[1][1]  # the greater share is above
    assert two[1] == one[1]
    assert three[0][1] == three[1][1]
    assert "&lt;5&gt;" in svg
    assert 'aria-label="shares"' in svg
    assert ">50.0%<" in svg
    assert ">20.0%<" in svg


def test_small_differences_get_two_digits_and_names_stay_apart() -> None:
    svg = lines_chart((0.4, 1.0), np.array([[0.251, 0.249], [0.2502, 0.2501]]), ["a", "b"], below="", alt="x")
    assert ">25.10%<" in svg
    heights = [float(y) for y in re.findall(r'class="name s\d" x="\d+" y="([\d.]+)"', svg)]
    assert abs(heights[0] - heights[1]) >= 14
    assert lines_chart((1.0,), np.array([[0.5, 0.5]]), ["a", "b"], below="", alt="x")  # equal, at one size


def test_bars_to_both_sides() -> None:
    assert 'class="above" x="50.0" width="25.0"' in deviation_bar(1, 2)
    assert 'class="below" x="0.0" width="50.0"' in deviation_bar(-2, 2)
    assert 'width="0.0"' in deviation_bar(0, 0)
