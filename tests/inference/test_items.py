import os
from pathlib import Path
from typing import Any

import pytest

from scalereid.data.records import ReidDataset
from scalereid.inference.items import Item, common_folder, find_distinct, find_items, names_several
from tests.conftest import NOT_FILES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("a/2.jpg", "a/b/1.PNG", "a/notes.txt", "a/._2.jpg"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_folder_and_all_below_it(folder: Path) -> None:
    assert find_items(folder) == [Item(str(folder / "a" / "2.jpg")), Item(str(folder / "a" / "b" / "1.PNG"))]


def test_a_pattern(folder: Path) -> None:
    assert find_items(str(folder / "**" / "*.jpg")) == [Item(str(folder / "a" / "2.jpg"))]
    assert find_items(str(folder / "a" / "2.jpg")) == [Item(str(folder / "a" / "2.jpg"))]


def test_each_file_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    Path("a/3.jpg").symlink_to("2.jpg")
    Path("boxes.csv").write_text("path,left\na/2.jpg,1\na/2.jpg,7\na/b/1.PNG,1\n")  # two people in one picture
    found = find_distinct("boxes.csv", "a/2.jpg", "a/*.jpg", folder, frames=True)
    assert found == [Item("./a/2.jpg"), Item("./a/b/1.PNG")]
    with pytest.raises(
        ValueError, match="boxes.csv, line 2: it has the box of a person, but these pictures are taken whole"
    ):
        find_distinct("boxes.csv")


@pytest.fixture
def tangled(tmp_path: Path) -> Path:
    """Links round in circles, to another folder, to nothing and to themselves; hidden files and folders."""
    root = tmp_path / "tangled"
    for name in ("a/1.jpg", "a/b/2.jpg", "a/b/._2.jpg", ".hidden/3.jpg", "._4.jpg", "5.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "6.jpg").touch()
    for link, target in (
        ("a/b/up", root),
        ("other", tmp_path / "elsewhere"),
        ("gone.jpg", "nowhere"),
        ("self.jpg", "self.jpg"),
    ):
        (root / link).symlink_to(target)
    return root


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("", "5.jpg a/1.jpg a/b/2.jpg gone.jpg self.jpg"),
        ("**/*.jpg", "5.jpg a/1.jpg a/b/2.jpg gone.jpg self.jpg"),
        ("**", "5.jpg a/1.jpg a/b/2.jpg gone.jpg self.jpg"),
        ("**/**/*.jpg", "5.jpg a/1.jpg a/b/2.jpg gone.jpg self.jpg"),
        ("**/[1-2].jpg", "a/1.jpg a/b/2.jpg"),
        ("a/**/*.jpg", "a/1.jpg a/b/2.jpg"),
        ("*/*.jpg", "a/1.jpg other/6.jpg"),
        ("*/*/*/5.jpg", "a/b/up/5.jpg"),
        ("other/*", "other/6.jpg"),
        ("other", "other/6.jpg"),
        ("?/?/../1.*", "a/b/../1.jpg"),
        ("**/._*", "._4.jpg a/b/._2.jpg"),
        ("._4.jpg", "._4.jpg"),
        (".hidden/*", ".hidden/3.jpg"),
        (".*/*.jpg", ".hidden/3.jpg"),
        ("g*e.jpg", "gone.jpg"),
        ("gone.jpg", "gone.jpg"),
    ],
)
def test_links_and_hidden_files(tangled: Path, pattern: str, names: str) -> None:
    assert [item.path for item in find_items(f"{tangled}/{pattern}")] == [f"{tangled}/{name}" for name in names.split()]


def test_patterns_without_a_folder(tangled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tangled)
    assert [item.path for item in find_items("**/[12].jpg")] == ["a/1.jpg", "a/b/2.jpg"]
    assert [item.path for item in find_items("?.jpg")] == ["5.jpg"]


@pytest.mark.parametrize("pattern", ["", "*", "**/*.jpg", "*/*.jpg", "shut/*.jpg"])
def test_folders_that_may_not_be_read_are_named(tangled: Path, pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root one may read everything, so the refusal is staged."""
    (tangled / "shut").mkdir()
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if path.endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    if pattern == "*":  # which is not about what the folder contains
        assert len(find_items(tangled / pattern)) == 3
    else:
        with pytest.raises(PermissionError, match="Permission denied: '.*/tangled/shut'"):
            find_items(f"{tangled}/{pattern}")


def test_a_file_that_looks_like_a_pattern(folder: Path) -> None:
    (folder / "frame[1].jpg").touch()
    assert find_items(str(folder / "frame[1].jpg")) == [Item(str(folder / "frame[1].jpg"))]


def test_tables(people: ReidDataset, folder: Path) -> None:
    assert len(find_items(people.root / "dataset.csv")) == 72 + 16 + 32
    assert find_items(str(people.root / "dataset.csv"))[0].pid == people.train[0].pid
    table = folder / "some.csv"
    table.write_text("path,pid,camid\na/2.jpg,,\na/b/1.PNG,-1,3\na/2.jpg,7,\n")
    assert find_items(table) == [
        Item(str(folder / "a/2.jpg"), -1, -1),
        Item(str(folder / "a/b/1.PNG"), -1, 3),
        Item(str(folder / "a/2.jpg"), 7, -1),
    ]
    (folder / "some.jsonl").write_text('{"path": "a/2.jpg", "pid": 0}\n{"path": "a/2.jpg"}\n')
    assert [item.pid for item in find_items(folder / "some.jsonl")] == [0, -1]


@pytest.mark.parametrize("name", ["some.csv", "some.jsonl"])
def test_tables_whose_suffix_is_in_upper_case(folder: Path, name: str) -> None:
    """As those of some programs are, and as readers of datasets take them: it is not read as an image."""
    text = "path,pid\na/2.jpg,7\n" if name == "some.csv" else '{"path": "a/2.jpg", "pid": 7}\n'
    (folder / name.upper()).write_text(text)
    assert find_items(folder / name.upper()) == [Item(str(folder / "a/2.jpg"), 7)]
    assert names_several(folder / name.upper())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,pid\na,1\n", "no column path"),
        ("path,pid\na/2.jpg,x\n", "line 2: pid is 'x'; it must be a whole number"),
        ("path\na/2.jpg\na/3.jpg\n", r"line 3: .*a/3\.jpg"),
    ],
)
def test_tables_that_cannot_be_read(folder: Path, text: str, message: str) -> None:
    (folder / "some.csv").write_text(text)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        find_items(folder / "some.csv")


def test_nothing_to_find(folder: Path) -> None:
    (folder / "empty").mkdir()
    for name in ("nowhere", "empty", "*.gif"):
        with pytest.raises(FileNotFoundError, match="No images in .*; name a folder, a pattern in quotes"):
            find_items(folder / name)


def test_what_is_not_a_file_is_found_to_be_named_later(folder: Path) -> None:
    """By whoever reads it; folders are not images."""
    (folder / "a" / "2.jpg").unlink()
    for number, make in enumerate(NOT_FILES.values()):
        make(folder / "a" / f"{number}.jpg")
    (folder / "a" / "9.jpg").symlink_to("nowhere")
    expected = [Item(str(folder / "a" / f"{name}.jpg")) for name in (0, 1, 2, 9)]
    assert find_items(str(folder / "a" / "*.jpg")) == expected
    assert [item for item in find_items(folder / "a") if "b/" not in item.path] == expected
    assert find_items(folder / "a" / "0.jpg") == expected[:1]


def test_names_of_several_images(folder: Path) -> None:
    (folder / "some.csv").touch()
    (folder / "frame[1].jpg").touch()
    several = {name: names_several(folder / name) for name in ("a", "*.jpg", "some.csv", "a/2.jpg", "no.jpg")}
    assert several == {"a": True, "*.jpg": True, "some.csv": True, "a/2.jpg": False, "no.jpg": False}
    assert not names_several(str(folder / "frame[1].jpg"))  # a file, though it looks like a pattern


def test_cameras_of_folders(tmp_path: Path, folder: Path) -> None:
    for name in ("kitchen/a.jpg", "hall/b.jpg"):
        (tmp_path / "crops" / name).parent.mkdir(parents=True)
        (tmp_path / "crops" / name).touch()
    hall, kitchen = (str(tmp_path / "crops" / name) for name in ("hall/b.jpg", "kitchen/a.jpg"))
    assert find_items(tmp_path / "crops") == [Item(hall), Item(kitchen)]
    expected = [Item(hall, -1, 1, "hall"), Item(kitchen, -1, 2, "kitchen")]
    assert find_items(tmp_path / "crops", folders="cameras") == expected
    assert find_items(str(tmp_path / "crops" / "*" / "*.jpg"), folders="cameras") == expected
    (folder / "some.csv").write_text("path\na/2.jpg\n")
    with pytest.raises(ValueError, match="is a table, which lists people and cameras itself; leave folders=people out"):
        find_items(folder / "some.csv", folders="people")


def test_common_folders() -> None:
    assert common_folder(["/a/b/x.jpg", "/a/b/xy.jpg"]) == "/a/b/"
    assert common_folder(["/a/b/x.jpg", "/a/c/x.jpg"]) == "/a/"
    assert common_folder(["crops/x.jpg"]) == "crops/"
    assert common_folder(["x.jpg", "/a/x.jpg"]) == common_folder([]) == ""
