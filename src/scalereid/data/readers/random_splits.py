"""Random halves of people that are the same everywhere and for ever."""

import hashlib
from collections.abc import Iterable


def draw_people(people: Iterable[int], number: int, *, dataset: str, split: int, of: int) -> set[int]:
    """`number` of the people at random, for split 1, 2, … of a dataset: those whose names hash lowest.

    No generator's version, file system or order of calls has a say in it.

    Raises:
        ValueError: there is no such split.
    """
    check_split(dataset, split, of)
    return set(sorted(set(people), key=lambda pid: draw(f"{dataset} {split} {pid}"))[:number])


def check_split(dataset: str, split: int, of: int) -> None:
    """Splits are numbered from 1, whoever drew them.

    Raises:
        ValueError: there is no such split.
    """
    if not 1 <= split <= of:
        raise ValueError(f"there is no {dataset}#{split}: its splits are {dataset}#1 to {dataset}#{of}")


def draw(name: str) -> bytes:
    """A random-looking value that belongs to a name, to order by."""
    return hashlib.sha256(name.encode()).digest()
