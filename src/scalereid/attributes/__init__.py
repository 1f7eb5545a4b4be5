"""What people look like, as attributes that are there or not: tables of labels, the layer that gives likelihoods, scores."""

from collections.abc import Callable
from pathlib import Path

from scalereid.attributes.market1501 import read_market1501_attributes
from scalereid.attributes.pa100k import read_pa100k_attributes
from scalereid.attributes.table import AttributeTable, read_attributes_csv
from scalereid.attributes.toy import read_toy_attributes
from scalereid.lookup import no_such

ATTRIBUTE_TABLES: dict[str, Callable[[Path], AttributeTable]] = {
    "market1501": read_market1501_attributes,
    "pa100k": read_pa100k_attributes,
    "toy": read_toy_attributes,
}
"""By name, the function that reads a dataset's attributes from the folder of the datasets."""


def read_attributes(name: str, root: Path) -> AttributeTable:
    """The table of attributes of that name, or a .csv file of your own, whose path is relative to `root`.

    Raises:
        FileNotFoundError: It is not there.
        ValueError: There is no such table, or it cannot be read; the message says what is wrong.
    """
    if name.lower().endswith(".csv"):
        return read_attributes_csv(root / name)
    if name not in ATTRIBUTE_TABLES:
        hint = f"Choose from {', '.join(ATTRIBUTE_TABLES)}, or name a .csv file."
        raise ValueError(no_such("table of attributes", name, ATTRIBUTE_TABLES, hint))
    return ATTRIBUTE_TABLES[name](root)
