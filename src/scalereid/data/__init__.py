"""Image files to records to batches: dataset readers, checks, decoding, augmentation."""

from collections.abc import Callable

from scalereid.data.readers import READERS
from scalereid.data.records import ReidDataset
from scalereid.data.toy import read_toy, read_toy_shifted

DATASETS: dict[str, Callable[..., ReidDataset]] = READERS | {"toy": read_toy, "toy-shifted": read_toy_shifted}
