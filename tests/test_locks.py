import errno
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scalereid.locks import locked


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


LOCKED = (
    "import sys; from pathlib import Path; from scalereid.locks import locked\n"
    "with locked(Path(sys.argv[1])):\n"
    "    print('locked', flush=True); sys.stdin.readline()"
)


@contextmanager
def writer(path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that is writing `path`."""
    words = [sys.executable, "-c", LOCKED, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    path, same = tmp_path / "new" / "x", tmp_path / "link" / "x"
    same.parent.symlink_to(path.parent)
    with writer(path) as other:
        sentence = "x is being written by another process; wait until it has ended, or choose another name"
        for name in (path, same):
            with pytest.raises(BlockingIOError, match=sentence), locked(name):
                pass
        with locked(path.with_name("y")):  # another one
            pass
        assert names(path.parent) == [".x.scalereid-lock"]
        other.communicate("go on\n")
    assert names(tmp_path) == ["link"]  # neither the lock is left, nor the folder that was made for it
    with locked(path):
        path.touch()
    assert names(path.parent) == ["x"]


def test_a_killed_process_locks_nothing(tmp_path: Path) -> None:
    with writer(tmp_path / "x") as other:
        other.kill()
        other.wait()
    assert names(tmp_path) == [".x.scalereid-lock"]
    with locked(tmp_path / "x"):
        pass
    assert names(tmp_path) == []


def test_threads_take_turns_and_never_write_together(tmp_path: Path) -> None:
    """Also while one removes the file that another has just opened."""
    writing, together, refused = [0], [0], [0]

    def write_often() -> None:
        for _ in range(300):
            try:
                with locked(tmp_path / "new" / "x"):
                    writing[0] += 1
                    together[0] += writing[0] > 1
                    writing[0] -= 1
            except BlockingIOError:
                refused[0] += 1

    threads = [threading.Thread(target=write_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [0]
    assert refused[0] < 1_200
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_file_system_without_locks_is_written_nonetheless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("filelock.lock_descriptor", refuse)
    with locked(tmp_path / "x"):
        (tmp_path / "x").touch()
    assert names(tmp_path) == ["x"]
    with locked(tmp_path / "x" / "below a file"):
        pass
