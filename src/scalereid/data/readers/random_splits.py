"""Random splits of people that are the same on every machine, forever."""

import hashlib
from collections.abc import Iterable


def draw_people(people: Iterable[int], number: int, *, dataset: str, split: int, of: int) -> set[int]:
    """Draw `number` of the people for split 1, 2, … `of` of a dataset: those whose names hash lowest.

    The draw does not depend on a random generator's version, the file system or the order of calls.

    Raises:
        ValueError: The split does not exist.
    """
    check_split(dataset, split, of)
    return set(sorted(set(people), key=lambda pid: draw(f"{dataset} {split} {pid}"))[:number])


def check_split(dataset: str, split: int, of: int) -> None:
    """Check the number of a split; splits are numbered from 1.

    Raises:
        ValueError: The split does not exist.
    """
    if not 1 <= split <= of:
        raise ValueError(f"{dataset}#{split} does not exist; choose from {dataset}#1 to {dataset}#{of}")


def draw(name: str) -> bytes:
    """Hash a name to pseudo-random bytes, to sort by."""
    return hashlib.sha256(name.encode()).digest()
