import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from scalereid.files import (
    create_array,
    kind,
    read_json,
    remove_folder,
    remove_leftovers,
    require_free,
    require_new_file,
    require_writable,
    stamp,
    write,
    write_folder,
    write_json,
)
from tests.conftest import NOT_FILES


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    file, seen = tmp_path / "weights.safetensors", []

    def save(partial: Path) -> None:
        seen.append((partial.name, partial.parent.parent, file.exists()))
        partial.write_text("new")

    write(file, save)
    assert seen == [(file.name, tmp_path, False)]  # on the same disk, so that the move is atomic
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


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """As on a full disk, the system refuses to write more than this number of bytes to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    "save",
    [
        lambda partial: partial.write_bytes(b"x" * 100_000),
        lambda partial: np.savez(partial, a=np.zeros(100_000)),
        lambda partial: save_file({"a": torch.zeros(100_000)}, partial),
        lambda partial: create_array(partial, np.float32, (100_000,)),
    ],
    ids=["bytes", "npz", "safetensors", "array"],
)
def test_a_full_disk_is_a_sentence(tmp_path: Path, save: Callable[[Path], Any]) -> None:
    sentence = (
        r"weights\.bin cannot be written: File too large(, 400,\d+ bytes are needed)?; [\d,]+ bytes are free there"
    )
    with largest_file(50_000), pytest.raises(OSError, match=sentence):
        write(tmp_path / "weights.bin", save)
    assert names(tmp_path) == []


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(errno.EACCES, "not yours")

    with pytest.raises(PermissionError, match="not yours"):
        write(tmp_path / "x", refuse)


def test_an_array_takes_its_room_on_disk_at_once(tmp_path: Path) -> None:
    rows = create_array(tmp_path / "x.npy", np.float32, (1000, 250))
    assert (tmp_path / "x.npy").stat().st_blocks * 512 >= 1_000_000
    rows[7] = 3
    rows.flush()
    read = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert read.shape == (1000, 250)
    assert (read[7] == 3).all()
    assert not read[8].any()


def test_the_umask_decides_who_may_read(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "x.safetensors", lambda partial: save_file({"a": torch.zeros(1)}, partial))
    finally:
        os.umask(before)
    assert (tmp_path / "x.safetensors").stat().st_mode & 0o777 == 0o640


def killed(code: str, *words: Path) -> None:
    """Run a program that kills itself."""
    code = f"import os, shutil, sys; from pathlib import Path; from scalereid.files import *\n{code}"
    assert subprocess.run([sys.executable, "-c", code, *words], check=False).returncode == -9


KILLED_IN_WRITING = "write(Path(sys.argv[1]), lambda partial: (partial.write_text('half'), os.kill(os.getpid(), 9)))"


def test_what_a_kill_leaves_is_removed_at_the_next_write(tmp_path: Path) -> None:
    killed(KILLED_IN_WRITING, tmp_path / "a[1].bin")
    (left,) = names(tmp_path)
    theirs = tmp_path / f"{left.rpartition('-')[0]}-{os.getppid()}"  # of a process that lives
    theirs.mkdir()
    write(tmp_path / "of another name.bin", lambda partial: partial.write_text("whole"))
    assert names(tmp_path) == [theirs.name, "of another name.bin"]


def test_what_kills_leave_can_be_removed_before_anything_is_written(tmp_path: Path) -> None:
    killed(KILLED_IN_WRITING, tmp_path / "a.bin")
    (left,) = names(tmp_path)
    others = [f".a.bin.partial-another-machine-{left.rpartition('-')[2]}", ".a.bin.partial-mine", ".partial-1"]
    for name in others:
        (tmp_path / name).mkdir()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == sorted(others)
    remove_leftovers(tmp_path / "none")


def test_a_folder_is_removed_at_once(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "file").touch()
    remove_folder(tmp_path / "first")
    assert names(tmp_path) == ["second"]
    killed(
        "shutil.rmtree = lambda *_, **__: os.kill(os.getpid(), 9)\nremove_folder(Path(sys.argv[1]))",
        tmp_path / "second",
    )
    assert not (tmp_path / "second").exists()
    assert len(names(tmp_path)) == 1
    remove_leftovers(tmp_path)
    assert names(tmp_path) == []


def test_a_stamp_tells_whether_a_file_may_have_changed(tmp_path: Path) -> None:
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_text("one")
    before = stamp(file)
    assert before == stamp(str(file)) == (3, file.stat().st_mtime_ns, file.stat().st_ctime_ns)
    other.write_text("two")
    os.utime(other, ns=(0, before[1]))
    other.replace(file)  # as large, and with the same date
    assert stamp(file)[:2] == before[:2]
    assert stamp(file) != before
    for missing in (other, "a\0b", file / "c"):
        assert stamp(missing) == (-1, -1, -1)


@pytest.mark.parametrize(("words", "make"), NOT_FILES.items())
def test_what_is_there_is_said(tmp_path: Path, words: str, make: Callable[[Path], Any]) -> None:
    make(tmp_path / "x")
    assert kind(tmp_path / "x") == words
    (tmp_path / "y").touch()
    assert kind(tmp_path / "y") == "a file"


def test_what_cannot_be_written_is_found_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_writable(tmp_path / "new" / "folder" / "x.json")
    (tmp_path / "file").touch()
    require_writable(tmp_path / "file")
    with pytest.raises(NotADirectoryError, match=rf"x\.json cannot be written: {tmp_path}/file is not a folder"):
        require_free(tmp_path / "file" / "x.json")
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)  # root may write everywhere
    with pytest.raises(PermissionError, match=f"x cannot be written: {tmp_path} is not writable; choose another place"):
        require_free(tmp_path / "x")


def test_a_folder_is_not_a_file_to_be_written(tmp_path: Path) -> None:
    with pytest.raises(
        IsADirectoryError, match=f"{tmp_path} cannot be written: it is a folder; give the name of a file"
    ):
        require_writable(tmp_path)
    with pytest.raises(FileExistsError, match=f"{tmp_path} exists; choose another name"):
        require_new_file(tmp_path)
