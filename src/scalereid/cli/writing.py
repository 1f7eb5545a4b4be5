"""What a command writes: found to be possible before any work, and kept from other processes until it is done."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from scalereid.files import require_free, require_writable
from scalereid.locks import locked


@contextmanager
def writing(*files: Path | None, folder: Path | None = None) -> Iterator[None]:
    """Check that each of the files can be written, over one of that name too, and a new folder, and let no other process write
    them in the block.

    Raises:
        OSError: One cannot be written, or another process is writing it; or the folder is there, and not empty.
    """
    with ExitStack() as held:
        for path in filter(None, (*files, folder)):
            (require_free if path is folder else require_writable)(path)
            held.enter_context(locked(path))
        yield
