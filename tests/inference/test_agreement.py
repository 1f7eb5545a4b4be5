from typing import Any

import numpy as np
import pytest

from scalereid.inference.agreement import compare, drawn_people


def rows(pixels: Any) -> Any:
    return pixels.reshape(len(pixels), -1)[:, :7].astype(np.float32)


def test_equal_and_nearly_equal() -> None:
    assert compare(rows, rows, (64, 32)) == pytest.approx((0, 1))
    longest = np.linalg.norm(rows(drawn_people((64, 32))).astype(float), axis=1)
    found = compare(rows, lambda pixels: rows(pixels) + 0.5 * (np.arange(7) == 0), (64, 32))
    assert found.difference == pytest.approx(max(0.5 / longest[0], 0.5 / longest[:2].max(), 0.5 / longest.max()))
    assert 0.9 < found.cosine < 1


def test_a_wrong_answer_for_one_number_of_images_is_found() -> None:
    """As where some code asks for more than one."""

    def wrong_for_one(pixels: Any) -> Any:
        return -rows(pixels) if len(pixels) == 1 else rows(pixels)

    assert compare(rows, wrong_for_one, (64, 32)).cosine == pytest.approx(-1)


def test_people_are_drawn_at_any_size() -> None:
    people = drawn_people((64, 32))
    assert people.shape == (5, 64, 32, 3)
    assert np.ptp(people.reshape(5, -1), axis=1).min() > 50  # pictures, not areas
    assert len({person.tobytes() for person in people}) == 5
