from collections.abc import Iterable
from pathlib import Path

import pytest

from scalereid.data.readers.person_folders import PeopleOrCamerasError, read_folders, read_person_folders
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


def test_two_folders_of_one_number_are_not_merged(tmp_path: Path) -> None:
    for person in ("1", "01", "2"):
        touch(tmp_path / person, ["a_c1.jpg"])
    with pytest.raises(ValueError, match="the folders 01 and 1 would be one person, number 1; if they are"):
        read_person_folders(tmp_path)
    touch(tmp_path / "anna", ["a_c1.jpg"])  # names that are not all numbers are names
    assert [r.pid for r in read_person_folders(tmp_path).train] == [1, 2, 3, 4]


def test_without_cameras_the_protocol_is_all_cameras(tmp_path: Path) -> None:
    touch(tmp_path / "1", ["attic2.jpg", "scene1.jpg"])  # neither is a camera
    touch(tmp_path / "2", ["b.jpg"])
    touch(tmp_path, ["beside.jpg"])
    dataset = read_person_folders(tmp_path)
    assert [(r.pid, r.camid) for r in dataset.train] == [(1, 1), (1, 1), (2, 1)]
    assert dataset.protocol == "all-cameras"
    assert dataset.left_out == {f"images beside the folders of people in {tmp_path.name}": 1}


def fill(root: Path, names: Iterable[str], images: int = 2) -> Path:
    for name in names:
        touch(root / name, [f"{i:03d}.jpg" for i in range(images)])
    return root


@pytest.mark.parametrize(
    ("names", "images", "why"),
    [
        (["cam1", "Cam2"], 2, "2 folders named like cameras, Cam2, cam1"),
        (["hall", "kitchen", "garden"], 2, "3 folders named like places, garden, hall, kitchen"),
        (["20260101", "2026-01-02"], 2, "2 folders named like dates or times, 2026-01-02, 20260101"),
        (["a", "b", "c", "d"], 146, r"4 folders with 146 images each \(the median\), a, b, c, …"),
    ],
)
def test_people_or_cameras_is_asked(tmp_path: Path, names: list[str], images: int, why: str) -> None:
    fill(tmp_path, names, images)
    with pytest.raises(
        PeopleOrCamerasError,
        match=rf"{why}: people or cameras\? Name the dataset person-folders if .*camera-folders if",
    ):
        read_folders(tmp_path)
    assert len(read_person_folders(tmp_path).train) == images * len(names)  # the answer


@pytest.mark.parametrize(
    ("names", "images"),
    [
        (["anna", "ben", "zoë"], 99),
        ([f"{pid:04d}" for pid in range(11)], 100),
        ([f"c{pid:04d}" for pid in range(101)], 1),
        (["anna hall", "ben", "zoë"], 2),
    ],
)
def test_people_are_not_asked_about(tmp_path: Path, names: list[str], images: int) -> None:
    assert len(read_folders(fill(tmp_path, names, images)).train) == images * len(names)


def test_images_of_several_cameras_in_a_folder_tell_that_it_is_a_persons(tmp_path: Path) -> None:
    for name in ("hall", "kitchen"):
        touch(tmp_path / name, ["a_c1.jpg", "b_c1.jpg"])
    with pytest.raises(PeopleOrCamerasError):
        read_folders(tmp_path)
    touch(tmp_path / "hall", ["c_c2.jpg"])
    assert [(r.pid, r.camid) for r in read_folders(tmp_path).train] == [(1, 1), (1, 1), (1, 2), (2, 1), (2, 1)]


def test_folders_with_images_of_several_people_are_refused_unless_said_to_show_one_each(tmp_path: Path) -> None:
    touch(tmp_path / "siteA", ["0001_c1_0.jpg", "0002_c1_0.jpg"])
    touch(tmp_path / "siteB", ["0003_c1_0.jpg"])
    with pytest.raises(
        ValueError,
        match=r"the images in siteA are named after several people, 0001, 0002 among them: .* person-folders",
    ):
        read_folders(tmp_path)
    assert [(r.pid, r.camid) for r in read_person_folders(tmp_path).train] == [(1, 1), (1, 1), (2, 1)]


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folders of people with images in"):
        read_person_folders(tmp_path)
    touch(tmp_path / "1", ["a_c1.jpg", "b.jpg", "d.jpg"])
    with pytest.raises(
        ValueError, match=r"1 names tell the camera and 2 do not, such as .*b\.jpg; name all files like a_c1"
    ):
        read_person_folders(tmp_path)


def test_folders_with_numbers_beyond_64_bits_are_named(tmp_path: Path) -> None:
    for person in ("1", "18446744073709551616"):
        touch(tmp_path / "train" / person, ["a_c1.jpg"])
    with pytest.raises(
        ValueError, match=r"18446744073709551616/a_c1\.jpg: pid is 18446744073709551616; it must be a whole"
    ):
        read_person_folders(tmp_path)
