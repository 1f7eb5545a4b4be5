from pathlib import Path

import pytest

from scalereid.data.readers.camera_folders import read_camera_folders
from tests.data.readers.files import touch


def test_people_within_cameras_named_by_words(tmp_path: Path) -> None:
    touch(tmp_path / "kitchen" / "anna", ["20260101_120000.jpg"])
    touch(tmp_path / "hall" / "ben", ["1.jpg"])
    touch(tmp_path / "hall" / "anna", ["1.jpg", "2.jpg"])
    touch(tmp_path / "hall", ["beside.jpg"])
    dataset = read_camera_folders(tmp_path)
    assert [(r.pid, r.camid) for r in dataset.train] == [(1, 1), (1, 1), (2, 1), (1, 2)]
    assert dataset.cameras == {"hall": 1, "kitchen": 2}
    assert dataset.protocol == "market1501"
    assert dataset.left_out == {"images beside the folders of people in hall": 1}


def test_splits_numbers_and_junk(tmp_path: Path) -> None:
    touch(tmp_path / "query" / "cam3" / "0007", ["a.jpg"])
    touch(tmp_path / "gallery" / "cam10" / "0007", ["b.jpg"])
    touch(tmp_path / "gallery" / "cam10" / "-1", ["c.jpg"])
    dataset = read_camera_folders(tmp_path)
    assert [(r.pid, r.camid) for r in (*dataset.train, *dataset.query, *dataset.gallery)] == [(7, 3), (7, 10)]
    assert dataset.left_out == {"junk (pid −1) in gallery": 1}


def test_one_camera_has_the_protocol_for_it(tmp_path: Path) -> None:
    touch(tmp_path / "hall" / "anna", ["1.jpg"])
    assert read_camera_folders(tmp_path).protocol == "all-cameras"


def test_cameras_without_people_can_only_be_searched(tmp_path: Path) -> None:
    for place in ("kitchen", "hall"):
        touch(tmp_path / place, ["1.jpg", "2.jpg"])
    with pytest.raises(
        ValueError,
        match=r"4 images in folders of cameras \(hall 1, kitchen 2\) without folders of people within: no people",
    ):
        read_camera_folders(tmp_path)


@pytest.mark.parametrize(
    ("outer", "inner", "error", "message"),
    [
        (
            "anna",
            "cam1",
            ValueError,
            "cameras within people, where people within cameras are expected, such as cam1/anna",
        ),
        ("hall", "2026-01-01", ValueError, "dates or times, not people, so that no people are known"),
        ("office", "query", FileNotFoundError, "contains folders with query within; name one of them"),
    ],
)
def test_folders_within_that_are_not_peoples(
    tmp_path: Path, outer: str, inner: str, error: type[Exception], message: str
) -> None:
    touch(tmp_path / outer / inner, ["1.jpg"])
    with pytest.raises(error, match=message):
        read_camera_folders(tmp_path)
