"""Image files to records to batches: dataset readers, decoding, augmentation."""

from collections.abc import Callable
from pathlib import Path

from scalereid.data.dukemtmc_reid import read_dukemtmc_reid
from scalereid.data.market1501 import read_market1501, read_market1501_dev, read_market1501_dev_cameras
from scalereid.data.msmt17 import read_msmt17, read_msmt17_all, read_msmt17_with_validation
from scalereid.data.records import ReidDataset
from scalereid.data.table import read_csv
from scalereid.data.toy import read_toy, read_toy_shifted

DATASETS: dict[str, Callable[[Path], ReidDataset]] = {
    "market1501": read_market1501,
    "market1501-dev": read_market1501_dev,
    "market1501-dev-cameras": read_market1501_dev_cameras,
    "dukemtmc-reid": read_dukemtmc_reid,
    "msmt17": read_msmt17,
    "msmt17-trainval": read_msmt17_with_validation,
    "msmt17-all": read_msmt17_all,
    "csv": read_csv,
    "toy": read_toy,
    "toy-shifted": read_toy_shifted,
}
