"""Readers: a folder to a dataset, one small file per dataset."""

from collections.abc import Callable
from typing import NamedTuple

from scalereid.data.readers.cuhk01 import CUHK01_SPLITS, read_cuhk01
from scalereid.data.readers.cuhk02 import read_cuhk02
from scalereid.data.readers.cuhk03 import (
    CUHK03_CLASSIC_SPLITS,
    read_cuhk03_classic_detected,
    read_cuhk03_classic_labelled,
    read_cuhk03_detected,
    read_cuhk03_labelled,
)
from scalereid.data.readers.cuhk_sysu import read_cuhk_sysu
from scalereid.data.readers.dukemtmc_reid import read_dukemtmc_reid
from scalereid.data.readers.grid import GRID_SPLITS, read_grid
from scalereid.data.readers.ilids import ILIDS_SPLITS, read_ilids
from scalereid.data.readers.ilids_vid import ILIDS_VID_SPLITS, read_ilids_vid
from scalereid.data.readers.market1501 import (
    read_market1501,
    read_market1501_500k,
    read_market1501_dev,
    read_market1501_dev_cameras,
)
from scalereid.data.readers.market_names import read_market_names
from scalereid.data.readers.mars import read_mars
from scalereid.data.readers.msmt17 import read_msmt17, read_msmt17_all, read_msmt17_with_validation
from scalereid.data.readers.occluded_reid import read_occluded_reid
from scalereid.data.readers.person_folders import read_person_folders
from scalereid.data.readers.prid2011 import PRID2011_SPLITS, read_prid2011, read_prid2011_video
from scalereid.data.readers.sensereid import read_sensereid
from scalereid.data.readers.table import read_csv, read_jsonl
from scalereid.data.readers.viper import VIPER_SPLITS, read_viper
from scalereid.data.records import ReidDataset


class Reader(NamedTuple):
    """Reads a dataset from a folder."""

    read: Callable[..., ReidDataset]
    splits: int = 1
    """Number of splits over which scores are averaged; if more than one, `read` takes `split`, from 1 on."""


READERS: dict[str, Reader] = {
    "market1501": Reader(read_market1501),
    "market1501-500k": Reader(read_market1501_500k),
    "market1501-dev": Reader(read_market1501_dev),
    "market1501-dev-cameras": Reader(read_market1501_dev_cameras),
    "cuhk03-np-detected": Reader(read_cuhk03_detected),
    "cuhk03-np-labelled": Reader(read_cuhk03_labelled),
    "cuhk03-classic-detected": Reader(read_cuhk03_classic_detected, CUHK03_CLASSIC_SPLITS),
    "cuhk03-classic-labelled": Reader(read_cuhk03_classic_labelled, CUHK03_CLASSIC_SPLITS),
    "dukemtmc-reid": Reader(read_dukemtmc_reid),
    "msmt17": Reader(read_msmt17),
    "msmt17-trainval": Reader(read_msmt17_with_validation),
    "msmt17-all": Reader(read_msmt17_all),
    "viper": Reader(read_viper, VIPER_SPLITS),
    "grid": Reader(read_grid, GRID_SPLITS),
    "cuhk01": Reader(read_cuhk01, CUHK01_SPLITS),
    "cuhk02": Reader(read_cuhk02),
    "cuhk-sysu": Reader(read_cuhk_sysu),
    "prid2011": Reader(read_prid2011, PRID2011_SPLITS),
    "ilids": Reader(read_ilids, ILIDS_SPLITS),
    "sensereid": Reader(read_sensereid),
    "occluded-reid": Reader(read_occluded_reid),
    "mars": Reader(read_mars),
    "ilids-vid": Reader(read_ilids_vid, ILIDS_VID_SPLITS),
    "prid2011-video": Reader(read_prid2011_video, PRID2011_SPLITS),
    "csv": Reader(read_csv),
    "jsonl": Reader(read_jsonl),
    "market-names": Reader(read_market_names),
    "folders": Reader(read_person_folders),
}
SPLITS: dict[str, int] = {name: reader.splits for name, reader in READERS.items() if reader.splits > 1}
"""Number of splits of each dataset that has several."""
