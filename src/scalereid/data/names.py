"""The grammar of dataset names: A+B, NAME#SPLIT, NAME@FOLDER."""

import re
from typing import NamedTuple

from scalereid.data.readers import SPLITS, SPLITS_OF_THEIR_OWN


class DatasetName(NamedTuple):
    """One part of a dataset's name: READER, READER#SPLIT, READER@FOLDER, READER#SPLIT@FOLDER."""

    reader: str
    split: int | None
    folder: str


def named_datasets(name: str) -> list[DatasetName]:
    """Parse a dataset's name: `A@FOLDER+B#2` is A in FOLDER, and the second split of B."""
    parts = []
    for part in name.split("+"):
        reader, _, folder = part.partition("@")
        numbered = re.fullmatch(r"(.+)#(\d+)", reader)
        reader, split = (numbered[1], int(numbered[2])) if numbered else (reader, None)
        parts.append(DatasetName(reader, split, folder))
    return parts


def without_splits(name: str) -> tuple[tuple[str, str], ...]:
    """The readers and folders of a dataset's name, which all splits of one dataset share."""
    return tuple((part.reader, part.folder) for part in named_datasets(name))


def splits_of(name: str) -> list[str]:
    """List what a name stands for in a score: a dataset's splits if it has several and `name` is none of them; else `name`."""
    return [name] if named_datasets(name)[0].reader in SPLITS_OF_THEIR_OWN else numbered_splits(name)


def numbered_splits(name: str) -> list[str]:
    """List the names of a dataset's splits if it has several and `name` numbers none of them; else `name` alone."""
    parts = named_datasets(name)
    reader, split, folder = parts[0]
    if len(parts) > 1 or split is not None or reader not in SPLITS:
        return [name]
    return [f"{reader}#{number}{f'@{folder}' if folder else ''}" for number in range(1, SPLITS[reader] + 1)]
