"""Image files to records to batches: dataset readers, checks, decoding, augmentation."""

from collections.abc import Callable

from scalereid.data.readers import READERS
from scalereid.data.records import ReidDataset
from scalereid.data.toy import read_toy, read_toy_shifted

DATASETS: dict[str, Callable[..., ReidDataset]] = {
    **{name: reader.read for name, reader in READERS.items()},
    "toy": read_toy,
    "toy-shifted": read_toy_shifted,
}
"""By name, the function that reads the dataset from a folder."""
