"""Writing: a file or folder is complete or not there, even after a crash or power cut. And what a file is and holds."""

import errno
import glob
import hashlib
import json
import os
import re
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from scalereid.typed_json import parse

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write(file: Path, save: Callable[[Path], Any]) -> None:
    """Write `file` atomically: `save` writes one of the same name in a temporary folder, which is flushed to disk and moved.

    Whatever a killed process leaves is in that folder, and is removed when anything is next written beside it. Who may read the
    file is decided by the umask, as for any new file.

    Raises:
        OSError: The disk is full; the message says how much is free.
    """
    with temporary_folder(file) as partial:
        try:
            save(partial / file.name)
            with (partial / file.name).open("r+b") as written:
                os.fsync(written.fileno())
            (partial / file.name).chmod(partial.stat().st_mode & 0o666)  # some libraries write for the owner alone
            (partial / file.name).replace(file)
        except Exception as error:
            if _errno(error) in _FULL:
                free = shutil.disk_usage(file.parent).free
                raise OSError(f"{file} cannot be written: {_reason(error)}; {free:,} bytes are free there") from error
            raise


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path`, removed after the block; if the process is killed, when something is next written there."""
    folder = _partial(path)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_array(file: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """A new .npy file of zeros as a memory map.

    Its space on disk is reserved, so that a full disk is an error here rather than the end of the process at the first write.

    Raises:
        OSError: There is no room for it; the message says how many bytes it takes.
    """
    with file.open("wb") as header:
        values = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, values)
        size = header.tell() + np.dtype(dtype).itemsize * int(np.prod(shape, dtype=object))
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(header.fileno(), 0, size)
            else:
                header.truncate(size)
        except OSError as error:
            raise OSError(error.errno, f"{error.strerror}, {size:,} bytes are needed") from error
    return np.lib.format.open_memmap(file, mode="r+")


def create_folder(folder: Path, fill: Callable[[Path], Any]) -> None:
    """Create `folder` atomically: `fill` creates and fills a temporary folder beside it, which is renamed.

    Raises:
        FileExistsError: `folder` is there, and not empty, perhaps since another process has made it in the meantime.
        OSError: It cannot be created.
    """
    partial = _partial(folder)
    try:
        fill(partial)
        partial.rename(folder)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise FileExistsError(f"{folder} exists; another process has made it in the meantime") from error
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_folder(folder: Path, fill: Callable[[Path], Any]) -> None:
    """Like `create_folder`, but a folder that another process has created in the meantime is kept.

    Raises:
        OSError: The folder cannot be created.
    """
    try:
        create_folder(folder, fill)
    except OSError:
        if not folder.is_dir():
            raise


def remove_folder(folder: Path) -> None:
    """Remove `folder` atomically: it is complete or not there.

    Raises:
        OSError: It cannot be removed.
    """
    partial = _partial(folder)
    folder.rename(partial)
    shutil.rmtree(partial, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary folders that killed processes of this machine have left in `folder`, if it exists."""
    for left in folder.glob(f".*.partial-{glob.escape(socket.gethostname())}-*"):
        pid = left.name.rpartition("-")[2]
        if pid.isdigit() and not _is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def kind(path: Path) -> str:
    """What is at a path, in words: a file, a folder, a named pipe, …

    Raises:
        OSError: There is nothing, or it cannot be looked at.
    """
    return _KINDS.get(stat.S_IFMT(path.stat().st_mode), "something else")


def file_name(name: str) -> str:
    """The name of a file or folder for a thing of any name; may be empty."""
    return re.sub(r"[^\w.@#+=]+", "-", name).strip("-.")


def stamp(path: str | os.PathLike[str]) -> tuple[int, int, int]:
    """Size in bytes, and times in ns of the last change of a file's content and of the file; −1 each where there is no file.

    A file with another stamp may have changed: the second time tells also of one that was moved or copied there with its date.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - a million of them
    except (OSError, ValueError):  # a name with a null byte
        return -1, -1, -1
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def sha256(file: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def write_json(file: Path, values: Any) -> None:
    """Write `values` as indented JSON."""
    write(file, lambda partial: partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8"))


def read_json(file: Path) -> Any:
    """Read the values in a JSON file.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is not JSON; the message names it.
    """
    try:
        return parse(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is damaged: {error}") from error


def check_stored(archive: ZipFile) -> None:
    """Check that nothing in an archive is compressed, as in those that NumPy and torch write.

    Raises:
        ValueError: It would unpack to more than it is long, which may have been made to fill the memory.
    """
    packed, unpacked = (
        sum(getattr(each, size) for each in archive.infolist()) for size in ("compress_size", "file_size")
    )
    if unpacked > packed:
        raise ValueError(f"its {packed:,} bytes would unpack to {unpacked:,}; expected none to be compressed")


def require_utf8(name: str, why: str) -> None:
    """Check that text files of others can hold a name, which on Linux may be any bytes.

    Raises:
        ValueError: It is not UTF-8, `why` says who requires it and what to do.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name!r} is not UTF-8, {why}") from None


def require_free(path: Path) -> None:
    """Check that a new folder can be made at `path` and nothing would be overwritten, before any work is done.

    Raises:
        FileExistsError: `path` is a file, or a folder that is not empty.
        OSError: It cannot be made there.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(f"{path} exists; choose another name, or move it away")
    _require_access(path)


def require_new_file(path: Path) -> None:
    """Check that a new file can be made at `path` and nothing would be overwritten, before any work is done.

    Raises:
        FileExistsError: `path` exists.
        OSError: It cannot be made there.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists; choose another name, or move it away")
    _require_access(path)


def require_writable(path: Path) -> None:
    """Check that the file `path` can be written, with folders above it that do not exist yet, before any work is done.

    Raises:
        OSError: It is a folder, or a file above it is not a folder, or it may not be written.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} cannot be written: it is a folder; give the name of a file")
    _require_access(path)


def _require_access(path: Path) -> None:
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if there != path and not there.is_dir():
        raise NotADirectoryError(f"{path} cannot be written: {there} is not a folder; choose another name")
    if not os.access(there, os.W_OK):
        raise PermissionError(f"{path} cannot be written: {there} is not writable; choose another place")


def _partial(path: Path) -> Path:
    """The temporary folder beside a file or folder that this process is about to write; others' leftovers are removed."""
    remove_leftovers(path.parent)
    return path.with_name(f".{path.name}.partial-{socket.gethostname()}-{os.getpid()}")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True


def _errno(error: Exception) -> int | None:
    """The system's number of an error; of one from a library in Rust (safetensors) as its message tells."""
    told = re.search(r"\(os error (\d+)\)", str(error))
    return int(told[1]) if told else getattr(error, "errno", None)


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or os.strerror(_errno(error) or 0)
