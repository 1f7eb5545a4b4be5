from pathlib import Path

import pytest

from scalereid.files import read_json, require_free, write, write_folder, write_json


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    file, seen = tmp_path / "weights.safetensors", []

    def save(partial: Path) -> None:
        seen.append((partial.suffix, partial.parent, file.exists()))
        partial.write_text("new")

    write(file, save)
    assert seen == [(".safetensors", tmp_path, False)]  # the same folder, so that the rename is atomic
    assert file.read_text() == "new"
    assert names(tmp_path) == [file.name]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text("old")

    def save(partial: Path) -> None:
        partial.write_text("half of the n")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(file, save)
    assert file.read_text() == "old"
    assert names(tmp_path) == [file.name]


def test_a_save_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "x", lambda _: None)
    assert names(tmp_path) == []


def test_a_folder_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    folder = tmp_path / "images"

    def fill(partial: Path) -> None:
        partial.mkdir()
        (partial / "a.png").touch()
        assert not folder.exists()

    write_folder(folder, fill)
    assert names(folder) == ["a.png"]
    assert names(tmp_path) == ["images"]


def test_a_failed_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    def fill(partial: Path) -> None:
        partial.mkdir()
        (partial / "a.png").touch()
        raise ValueError("image b is damaged")

    with pytest.raises(ValueError, match="image b is damaged"):
        write_folder(tmp_path / "images", fill)
    assert names(tmp_path) == []
    with pytest.raises(OSError):  # fill did not create it
        write_folder(tmp_path / "images", lambda _: None)


def test_a_folder_that_another_process_made_first_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "toy-1"

    def fill(partial: Path) -> None:
        partial.mkdir()
        (partial / "mine.jpg").touch()
        folder.mkdir()
        (folder / "theirs.jpg").touch()

    write_folder(folder, fill)
    assert names(folder) == ["theirs.jpg"]
    assert names(tmp_path) == ["toy-1"]


def test_json_reads_back(tmp_path: Path) -> None:
    values = {"name": "Zoë", "counts": [1, 2.5, None], "nested": {"a": True}}
    write_json(tmp_path / "x.json", values)
    assert read_json(tmp_path / "x.json") == values
    assert (tmp_path / "x.json").read_text(encoding="utf-8").endswith("}\n")


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe"])
def test_damaged_json_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "recipe.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"recipe\.json is damaged"):
        read_json(tmp_path / "recipe.json")
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "none.json")


def test_what_exists_is_not_free(tmp_path: Path) -> None:
    require_free(tmp_path / "new")
    (tmp_path / "folder").mkdir()
    require_free(tmp_path / "folder")  # an empty one
    (tmp_path / "folder" / "file").touch()
    for taken in (tmp_path / "folder", tmp_path / "folder" / "file"):
        with pytest.raises(FileExistsError, match=f"{taken} exists; choose another name, or move it away"):
            require_free(taken)
