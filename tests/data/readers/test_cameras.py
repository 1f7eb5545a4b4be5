import pytest

from scalereid.data.readers.cameras import (
    camera_in,
    is_time,
    look_like_cameras,
    look_like_places,
    number_cameras,
    without_times,
)


@pytest.mark.parametrize(
    ("stem", "camera"),
    [
        ("0001_c2s1_00", 2),
        ("x-cam02", 2),
        ("camera12_x", 12),
        ("2026-01-01T12-00-00_c3", 3),
        ("c4_20260101_120000", 4),
        ("20260101_120000", None),
        ("2026-01-01T12-00-00", None),
        ("c20260101_120000", None),
        ("cam20260101", None),
        ("c2026-01-01", None),
        ("attic2", None),
        ("scene1", None),
    ],
)
def test_cameras_in_file_names_and_times_that_are_none(stem: str, camera: int | None) -> None:
    assert camera_in(stem) == camera


@pytest.mark.parametrize(
    "time",
    ["20260101", "2026-01-01", "20260101_120000", "2026-01-01T12-00-00", "2026.01.01 12.00", "20260101120000123"],
)
def test_times(time: str) -> None:
    assert without_times(time) == "_"
    assert is_time(time)
    assert not is_time(f"anna_{time}")


@pytest.mark.parametrize("number", ["0042", "20261301", "120260101", "2026-01-41"])
def test_numbers_that_are_no_times(number: str) -> None:
    assert without_times(number) == number


def test_names_like_cameras_and_places() -> None:
    assert look_like_cameras(["cam1", "Camera_B", "ipcam-3", "ch02", "c4", "cam1_20260101"])
    assert not look_like_cameras(["cam1", "anna"])
    assert not look_like_cameras(["camila"])
    assert not look_like_cameras([])
    assert look_like_places(["kitchen", "Front Door", "flur_2"])
    assert not look_like_places(["anna", "ben", "rebecca hall"])
    assert not look_like_places([])


@pytest.mark.parametrize(
    ("folders", "numbers"),
    [
        (["kitchen", "hall"], [2, 1]),
        (["cam3", "cam01"], [3, 1]),
        (["1", "2", "7"], [1, 2, 7]),
        (["hall 1", "kitchen 1"], [1, 2]),  # the same number twice
        (["cam2", "hall"], [1, 2]),  # one has none
        (["hall_20260101", "hall_2026-01-02", "kitchen"], [1, 1, 2]),  # two days of a camera
        (["20260101", "20260102"], [1, 2]),
    ],
)
def test_numbers_of_cameras(folders: list[str], numbers: list[int]) -> None:
    assert number_cameras(folders) == dict(zip(folders, numbers, strict=True))
