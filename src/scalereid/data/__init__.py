"""Image files to records to batches: dataset readers, decoding, augmentation."""

from collections.abc import Callable
from pathlib import Path

from scalereid.data.market1501 import read_market1501, read_market1501_dev
from scalereid.data.records import ReidDataset
from scalereid.data.table import read_csv
from scalereid.data.toy import read_toy

DATASETS: dict[str, Callable[[Path], ReidDataset]] = {
    "market1501": read_market1501,
    "market1501-dev": read_market1501_dev,
    "csv": read_csv,
    "toy": read_toy,
}
