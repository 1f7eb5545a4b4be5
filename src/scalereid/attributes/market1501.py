"""Market-1501's attributes (Lin et al., arXiv:1703.07220): 27 of each person, as 30 that are there or not."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalereid.attributes.table import AttributeTable, Key
from scalereid.data.readers.folders import find_folder
from scalereid.data.readers.matlab import load_mat

FILE = "market_attribute.mat"
_PLACES = ("Market-1501-v15.09.15", "market1501", "market1501/Market-1501-v15.09.15", "lists/market1501")
_PEOPLE = {"train": 751, "test": 750}
_UPPER = ("black", "white", "red", "purple", "yellow", "gray", "blue", "green")
_LOWER = ("black", "white", "pink", "purple", "yellow", "gray", "blue", "green", "brown")

COLUMNS: dict[str, tuple[str, int]] = {
    **{age: ("age", value) for value, age in enumerate(("young", "teenager", "adult", "old"), start=1)},
    "backpack": ("backpack", 2),
    "bag": ("bag", 2),
    "handbag": ("handbag", 2),
    "trousers": ("clothes", 2),  # 1: a dress
    "short-lower-body": ("down", 2),  # 1: long
    "short-sleeves": ("up", 2),  # 1: long
    "long-hair": ("hair", 2),
    "hat": ("hat", 2),
    "female": ("gender", 2),
    **{f"upper-{colour}": (f"up{colour}", 2) for colour in _UPPER},
    **{f"lower-{colour}": (f"down{colour}", 2) for colour in _LOWER},
}
"""For each attribute the authors' field, and the value of it that stands for 1: 26 fields of two values, and four ages."""


def read_market1501_attributes(root: Path) -> AttributeTable:
    """The attributes of Market-1501's 751 training and 750 test people, from their authors' `market_attribute.mat`.

    The file is looked for in `root` and beside the images. Distractors have no attributes.

    Raises:
        FileNotFoundError: It is not there; the message says where it was looked for.
        ModuleNotFoundError: SciPy is not installed; the message says how to install it.
        ValueError: It is damaged, or has other people or fields.
    """
    file = find_folder(root, "Market-1501's table of attributes", _PLACES, (FILE,)) / FILE
    variables = load_mat(file)
    rows: dict[Key, list[int]] = {}
    try:
        for side, people in _PEOPLE.items():
            fields = variables["market_attribute"][side][0, 0][0, 0]
            pids = [int(one[0]) for one in fields["image_index"].ravel()]
            table = np.stack([_column(fields, *source) for source in COLUMNS.values()], axis=1)
            if len(pids) != people or table.shape != (people, len(COLUMNS)):
                raise ValueError(f"it has {len(pids)} {side} people, not {people}")
            rows |= dict(zip(pids, table.tolist(), strict=True))
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"{file} is not Market-1501's table of attributes: {error}") from error
    return AttributeTable(tuple(COLUMNS), rows)


def _column(fields: Any, name: str, value: int) -> NDArray[np.int8]:
    column: NDArray[np.int8] = (fields[name].ravel() == value).astype(np.int8)
    return column
