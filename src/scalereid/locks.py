"""One process at a time writes a file or folder: a lock of the operating system's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ATTEMPTS = 100  # to lock a file that others remove


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes, and other threads, from writing the file or folder `path` within a block of their own.

    The operating system holds the lock, on a hidden file beside `path`, and lets go of it when the process ends, however that
    happens. The file is removed at the end of the block; one that a killed process has left is used again. Where the file
    system has no locks, or no file can be made beside `path`, nothing is locked.

    Raises:
        BlockingIOError: Another one is writing there.
    """
    whole = path.resolve()
    file = whole.with_name(f".{whole.name}.scalereid-lock")
    new_folders = [folder for folder in file.parents if not folder.exists()]
    try:
        descriptor: int | None = _lock(file)
    except BlockingIOError:
        raise BlockingIOError(
            f"{path} is being written by another process; wait until it has ended, or choose another name"
        ) from None
    except OSError:
        descriptor = None
    try:
        yield
    finally:
        if descriptor is not None:
            with suppress(OSError):
                file.unlink()  # before it is unlocked: whoever has opened it meanwhile sees that it is gone
            os.close(descriptor)
        with suppress(OSError):  # one is in use
            for folder in new_folders:
                folder.rmdir()


def _lock(file: Path) -> int:
    """A descriptor of the file, which exists and is locked until the descriptor is closed."""
    from filelock import lock_descriptor  # here, as importing it takes longer than listing the commands

    for _ in range(_ATTEMPTS):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except FileNotFoundError:
            continue  # the folder was removed in the meantime
        try:
            if not lock_descriptor(descriptor, blocking=False):
                raise BlockingIOError
            if os.path.samestat(os.fstat(descriptor), file.stat()):
                return descriptor
        except FileNotFoundError:
            pass  # the one before has removed it
        except OSError as error:
            os.close(descriptor)
            if not isinstance(error, BlockingIOError):
                file.unlink(missing_ok=True)  # it cannot be locked
            raise
        os.close(descriptor)
    raise OSError(f"{file} disappears whenever it is made")
