import os
import re
from collections import Counter
from pathlib import Path

import pytest

from scalereid.data.readers.folders import FileNames, NotHereError, find_folder, list_folders, list_images, without_junk
from scalereid.data.records import ImageRecord
from tests.data.readers.files import touch

NAMES = FileNames("Mine", re.compile(r"(?P<pid>-?\d+)_\d\.png"), example="0001_1.png")


def test_the_first_folder_with_all_parts_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    touch(inner, ["list.txt"])
    (inner / "images").mkdir()
    touch(tmp_path / "a", ["list.txt"])  # which has only one of the parts
    parts = ("images", "list.txt")
    assert find_folder(tmp_path, "Mine", ("a", "a/b"), parts) == inner
    assert find_folder(inner, "Mine", ("a", "a/b"), parts) == inner
    (tmp_path / "a" / "images").mkdir()
    assert find_folder(tmp_path, "Mine", ("a", "a/b"), parts) == tmp_path / "a"


def test_what_each_folder_lacks_is_said(tmp_path: Path) -> None:
    touch(tmp_path / "a", ["list.txt"])
    with pytest.raises(NotHereError) as raised:
        find_folder(tmp_path, "Mine", ("a", "b"), ("images", "list.txt"), hint="Ask its authors.")
    assert str(raised.value).splitlines() == [
        "Mine was not found:",
        f"  {tmp_path} lacks images, list.txt",
        f"  {tmp_path / 'a'} lacks images",
        f"  {tmp_path / 'b'} does not exist",
        "Ask its authors.",
    ]


def test_images_are_listed_by_name_and_the_rest_is_counted(tmp_path: Path) -> None:
    touch(tmp_path, ["b.PNG", "a.png", "c.jpg", ".a.png", "notes.txt"])
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "d.png").symlink_to("nowhere.png")
    (tmp_path / "e.png").symlink_to("/dev/zero")
    (tmp_path / "itself.png").symlink_to("itself.png")
    os.mkfifo(tmp_path / "f.png")
    left_out: Counter[str] = Counter()
    assert [path.name for path in list_images(tmp_path, left_out)] == ["a.png", "b.PNG", "c.jpg"]
    assert left_out == {
        f"files in {tmp_path.name} that are not images": 2,
        f"broken links in {tmp_path.name}": 2,
        f"named pipes, sockets or devices in {tmp_path.name}": 2,
    }
    left_out.clear()
    assert [path.name for path in list_images(tmp_path, left_out, (".jpg", ".gif"))] == ["c.jpg"]
    assert left_out[f"files in {tmp_path.name} that are not .jpg or .gif"] == 4
    (tmp_path / ".cache").mkdir()
    assert list_folders(tmp_path) == [tmp_path / "folder.png"]


def test_people_and_cameras_from_names(tmp_path: Path) -> None:
    touch(tmp_path, ["0007_2.png", "0007_1.png", "-1_1.png", "0012_1.jpg"])
    left_out: Counter[str] = Counter()
    records = NAMES.read(tmp_path, left_out)
    assert records == (ImageRecord(tmp_path / "0007_1.png", 7, 1), ImageRecord(tmp_path / "0007_2.png", 7, 1))
    assert left_out == {f"junk (pid −1) in {tmp_path.name}": 1, f"files in {tmp_path.name} that are not .png": 1}
    (tmp_path / "-1_1.png").unlink()
    shifted = NAMES.read(tmp_path, left_out, camid=3, pid_offset=100)
    assert [(r.pid, r.camid) for r in shifted] == [(107, 3), (107, 3)]


def test_a_camera_in_the_name_wins_and_suffixes_can_be_named(tmp_path: Path) -> None:
    touch(tmp_path, ["1_c2.jpg", "2_c3.bmp", "x.png"])
    names = FileNames(
        "Mine", re.compile(r"(?P<pid>\d)_c(?P<camid>\d).*"), example="1_c1.jpg", suffixes=(".jpg", ".bmp")
    )
    assert [(r.pid, r.camid) for r in names.read(tmp_path, Counter(), camid=9)] == [(1, 2), (2, 3)]


def test_another_name_is_an_error_with_an_example(tmp_path: Path) -> None:
    touch(tmp_path, ["0007_1.png", "seven.png"])
    with pytest.raises(ValueError, match=r"seven\.png: not a Mine file name, which looks like 0001_1\.png"):
        NAMES.read(tmp_path, Counter())


def test_junk_is_counted_and_distractors_are_kept() -> None:
    records = [ImageRecord(Path("a.jpg"), pid, 1) for pid in (-1, 0, 5, -1)]
    left_out: Counter[str] = Counter()
    assert [r.pid for r in without_junk(records, "junk", left_out)] == [0, 5]
    assert left_out == {"junk": 2}
    assert without_junk(records[1:3], "none", left_out) == tuple(records[1:3])
    assert "none" not in left_out
