"""Who does what, of several processes that train together: the first writes the run, prints, and scores the model."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from scalereid.data.records import ReidDataset
from scalereid.distributed import is_first
from scalereid.locks import locked
from scalereid.progress import Progress


@contextmanager
def locked_by_first(path: Path) -> Iterator[None]:
    """Keep processes of other trainings from writing `path` within the block.

    Raises:
        BlockingIOError: Another one is writing there.
    """
    if is_first():
        with locked(path):
            yield
    else:
        yield


def shown(progress: Progress | None) -> Progress:
    """What the first process shows, if anything; the others show nothing."""
    return progress if progress and is_first() else Progress.silent()


def scored_here(target: ReidDataset) -> ReidDataset:
    """What this process scores the model on: without test images, unless it is the first."""
    return target if is_first() else replace(target, query=(), gallery=())
