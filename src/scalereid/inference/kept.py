"""What takes long to find out about a model on this machine, found once and kept in the cache folder."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from scalereid.data.images import default_cache_folder
from scalereid.files import write

_MOST = 2 * 1024**3  # bytes of all such files: some hundred compiled networks
_DIGEST = 32  # bytes before the content


def kept(question: str, answer: Callable[[], bytes]) -> bytes:
    """The answer to a question that says all that it depends on, kept from when it was asked first.

    A damaged answer is found anew, and so is each where the cache folder cannot be written. Of more than 2 GB those go that
    have not been used for longest. Several processes may ask at once.
    """
    file = default_cache_folder() / "runtimes" / hashlib.sha256(question.encode()).hexdigest()[:32]
    found = _read(file)
    if found is None:
        found = answer()
        with suppress(OSError):  # full, not writable, or another thread writes it
            file.parent.mkdir(parents=True, exist_ok=True)
            content = hashlib.sha256(found).digest() + found
            write(file, lambda partial: partial.write_bytes(content))
            _forget(file.parent)
    return found


def _read(file: Path) -> bytes | None:
    """The answer in a file, which counts as used now; None where there is none, or it is damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    found = content[_DIGEST:]
    if hashlib.sha256(found).digest() != content[:_DIGEST]:
        return None
    with suppress(OSError):
        os.utime(file)
    return found


def _forget(folder: Path) -> None:
    """Remove the files that have not been used for longest, until the others take no more than `_MOST`."""
    files = [file for file in folder.iterdir() if file.is_file()]
    left = sum(file.stat().st_size for file in files)
    for file in sorted(files, key=lambda file: file.stat().st_mtime):
        if left <= _MOST:
            return
        left -= file.stat().st_size
        file.unlink()
