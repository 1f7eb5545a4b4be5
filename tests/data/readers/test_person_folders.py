from pathlib import Path

import pytest

from scalereid.data.readers.person_folders import read_person_folders
from tests.data.readers.files import touch


def test_names_of_people_and_cameras(tmp_path: Path) -> None:
    touch(tmp_path / "train" / "ben", ["x_c2.jpg", "cam3-1.png"])
    touch(tmp_path / "query" / "anna", ["0001_c1s1_00.jpg", "notes.txt"])
    touch(tmp_path / "gallery" / "anna", ["y_C12_3.jpg"])
    touch(tmp_path / "gallery" / "zoë", ["c4.jpg"])
    dataset = read_person_folders(tmp_path)
    assert [(r.pid, r.camid) for r in dataset.train] == [(2, 3), (2, 2)]  # anna, ben, zoë; sorted by file name
    assert [(r.pid, r.camid) for r in dataset.query] == [(1, 1)]
    assert [(r.pid, r.camid) for r in dataset.gallery] == [(1, 12), (3, 4)]
    assert dataset.protocol == "market1501"
    assert sum(dataset.left_out.values()) == 1


def test_numbers_are_pids(tmp_path: Path) -> None:
    touch(tmp_path / "gallery" / "0042", ["a_c1.jpg"])
    touch(tmp_path / "gallery" / "-1", ["b_c1.jpg"])
    touch(tmp_path / "gallery" / "0", ["c_c1.jpg"])
    dataset = read_person_folders(tmp_path)
    assert [r.pid for r in dataset.gallery] == [0, 42]
    assert dataset.left_out == {"junk (pid −1) in gallery": 1}


def test_without_cameras_the_protocol_is_all_cameras(tmp_path: Path) -> None:
    touch(tmp_path / "1", ["attic2.jpg", "scene1.jpg"])  # neither is a camera
    touch(tmp_path / "2", ["b.jpg"])
    touch(tmp_path, ["beside.jpg"])
    dataset = read_person_folders(tmp_path)
    assert [(r.pid, r.camid) for r in dataset.train] == [(1, 1), (1, 1), (2, 1)]
    assert dataset.protocol == "all-cameras"
    assert dataset.left_out == {f"images beside the folders of people in {tmp_path.name}": 1}


def test_folders_of_cameras_are_refused(tmp_path: Path) -> None:
    for camera in ("cam1", "Cam2"):
        touch(tmp_path / "a" / camera, ["x.jpg"])
    with pytest.raises(ValueError, match="the folders are named Cam2, cam1: cameras, not people"):
        read_person_folders(tmp_path / "a")
    touch(tmp_path / "b" / "siteA", ["0001_c1_0.jpg", "0002_c1_0.jpg"])
    touch(tmp_path / "b" / "siteB", ["0003_c1_0.jpg"])
    with pytest.raises(ValueError, match="the images in siteA are named after several people, 0001, 0002 among them"):
        read_person_folders(tmp_path / "b")


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folders of people with images in"):
        read_person_folders(tmp_path)
    touch(tmp_path / "1", ["a_c1.jpg", "b.jpg", "d.jpg"])
    with pytest.raises(
        ValueError, match=r"1 names tell the camera and 2 do not, such as .*b\.jpg; name all files like a_c1"
    ):
        read_person_folders(tmp_path)
