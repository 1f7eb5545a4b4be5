"""Readers: a folder to a dataset, one small file per dataset."""

from collections.abc import Callable
from inspect import signature
from typing import NamedTuple

from scalereid.data.readers import (
    camera_folders,
    cifar,
    class_folders,
    cuhk01,
    cuhk02,
    cuhk03,
    cuhk03_pair1,
    cuhk_sysu,
    dukemtmc_reid,
    grid,
    ilids,
    ilids_vid,
    imagenet,
    market1501,
    market_names,
    mars,
    msmt17,
    occluded_reid,
    pa100k,
    person_folders,
    prid2011,
    sensereid,
    table,
    viper,
)
from scalereid.data.records import ReidDataset


class Reader(NamedTuple):
    """Reads a dataset from a folder."""

    read: Callable[..., ReidDataset]
    splits: int = 1
    """Number of splits over which scores are averaged; if more than one, `read` takes `split`, from 1 on.

    A `split` that defaults to None makes the name without a number another split, such as the authors' own.
    """


READERS: dict[str, Reader] = {
    "market1501": Reader(market1501.read_market1501),
    "market1501-500k": Reader(market1501.read_market1501_500k),
    "market1501-dev": Reader(market1501.read_market1501_dev),
    "market1501-dev-cameras": Reader(market1501.read_market1501_dev_cameras),
    "market1501-all": Reader(market1501.read_market1501_all),
    "cuhk03-np-detected": Reader(cuhk03.read_cuhk03_detected),
    "cuhk03-np-labelled": Reader(cuhk03.read_cuhk03_labelled),
    "cuhk03-classic-detected": Reader(cuhk03.read_cuhk03_classic_detected, cuhk03.CUHK03_CLASSIC_SPLITS),
    "cuhk03-classic-labelled": Reader(cuhk03.read_cuhk03_classic_labelled, cuhk03.CUHK03_CLASSIC_SPLITS),
    "cuhk03-pair1": Reader(cuhk03_pair1.read_cuhk03_pair1, cuhk03_pair1.CUHK03_PAIR1_SPLITS),
    "cuhk03-pair1-all": Reader(cuhk03_pair1.read_cuhk03_pair1_all),
    "dukemtmc-reid": Reader(dukemtmc_reid.read_dukemtmc_reid),
    "msmt17": Reader(msmt17.read_msmt17),
    "msmt17-trainval": Reader(msmt17.read_msmt17_with_validation),
    "msmt17-all": Reader(msmt17.read_msmt17_all),
    "viper": Reader(viper.read_viper, viper.VIPER_SPLITS),
    "grid": Reader(grid.read_grid, grid.GRID_SPLITS),
    "cuhk01": Reader(cuhk01.read_cuhk01, cuhk01.CUHK01_SPLITS),
    "cuhk02": Reader(cuhk02.read_cuhk02),
    "cuhk-sysu": Reader(cuhk_sysu.read_cuhk_sysu),
    "prid2011": Reader(prid2011.read_prid2011, prid2011.PRID2011_SPLITS),
    "ilids": Reader(ilids.read_ilids, ilids.ILIDS_SPLITS),
    "sensereid": Reader(sensereid.read_sensereid),
    "occluded-reid": Reader(occluded_reid.read_occluded_reid),
    "pa100k": Reader(pa100k.read_pa100k),
    "pa100k-validation": Reader(pa100k.read_pa100k_validation),
    "mars": Reader(mars.read_mars),
    "ilids-vid": Reader(ilids_vid.read_ilids_vid, ilids_vid.ILIDS_VID_SPLITS),
    "prid2011-video": Reader(prid2011.read_prid2011_video, prid2011.PRID2011_SPLITS),
    "csv": Reader(table.read_csv),
    "jsonl": Reader(table.read_jsonl),
    "market-names": Reader(market_names.read_market_names),
    "folders": Reader(person_folders.read_folders),
    "person-folders": Reader(person_folders.read_person_folders),
    "camera-folders": Reader(camera_folders.read_camera_folders),
    "cifar10": Reader(cifar.read_cifar10),
    "cifar100": Reader(cifar.read_cifar100),
    "imagenet": Reader(imagenet.read_imagenet),
    "class-folders": Reader(class_folders.read_class_folders),
}
OF_CLASSES = ("cifar10", "cifar100", "imagenet", "class-folders")
"""Those of them for classification, in which nobody is looked for."""
SPLITS: dict[str, int] = {name: reader.splits for name, reader in READERS.items() if reader.splits > 1}
"""Number of splits of each dataset that has several."""
SPLITS_OF_THEIR_OWN = {name for name in SPLITS if signature(READERS[name].read).parameters["split"].default is None}
"""Those of them whose names without a number are splits, too, and do not stand for all."""
