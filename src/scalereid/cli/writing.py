"""What a command writes: found to be possible before any work, and kept from other processes until it is done."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from scalereid.files import require_writable
from scalereid.locks import locked


@contextmanager
def writing(*files: Path | None) -> Iterator[None]:
    """Check that each of the files can be written, over one of that name too, and let no other process write it in the block.

    Raises:
        OSError: One cannot be written, or another process is writing it.
    """
    with ExitStack() as held:
        for file in files:
            if file:
                require_writable(file)
                held.enter_context(locked(file))
        yield
