"""Readers: a folder to a dataset, one small file for each dataset."""

from collections.abc import Callable

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

READERS: dict[str, Callable[..., ReidDataset]] = {
    "market1501": read_market1501,
    "market1501-500k": read_market1501_500k,
    "market1501-dev": read_market1501_dev,
    "market1501-dev-cameras": read_market1501_dev_cameras,
    "cuhk03-np-detected": read_cuhk03_detected,
    "cuhk03-np-labelled": read_cuhk03_labelled,
    "cuhk03-classic-detected": read_cuhk03_classic_detected,
    "cuhk03-classic-labelled": read_cuhk03_classic_labelled,
    "dukemtmc-reid": read_dukemtmc_reid,
    "msmt17": read_msmt17,
    "msmt17-trainval": read_msmt17_with_validation,
    "msmt17-all": read_msmt17_all,
    "viper": read_viper,
    "grid": read_grid,
    "cuhk01": read_cuhk01,
    "cuhk02": read_cuhk02,
    "cuhk-sysu": read_cuhk_sysu,
    "prid2011": read_prid2011,
    "ilids": read_ilids,
    "sensereid": read_sensereid,
    "occluded-reid": read_occluded_reid,
    "mars": read_mars,
    "ilids-vid": read_ilids_vid,
    "prid2011-video": read_prid2011_video,
    "csv": read_csv,
    "jsonl": read_jsonl,
    "market-names": read_market_names,
    "folders": read_person_folders,
}
SPLITS: dict[str, int] = {
    "cuhk03-classic-detected": CUHK03_CLASSIC_SPLITS,
    "cuhk03-classic-labelled": CUHK03_CLASSIC_SPLITS,
    "viper": VIPER_SPLITS,
    "grid": GRID_SPLITS,
    "cuhk01": CUHK01_SPLITS,
    "prid2011": PRID2011_SPLITS,
    "ilids": ILIDS_SPLITS,
    "ilids-vid": ILIDS_VID_SPLITS,
    "prid2011-video": PRID2011_SPLITS,
}
"""How many splits a dataset has whose scores are averaged over them; its reader takes `split`, from 1 on."""
