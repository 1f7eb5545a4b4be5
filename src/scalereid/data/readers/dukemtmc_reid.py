"""DukeMTMC-reID as its authors packed it."""

import re
import warnings
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import FileNames, find_folder
from scalereid.data.records import ReidDataset

_NAME = re.compile(r"(?P<pid>\d{4})_c(?P<camid>\d)_f\d{7}\.jpg")
_IMAGES = FileNames("DukeMTMC-reID", _NAME, example="0001_c2_f0046182.jpg")
_NAMES = ("DukeMTMC-reID", "dukemtmc-reid/DukeMTMC-reID", "dukemtmc-reid")
_FOLDERS = ("bounding_box_train", "query", "bounding_box_test")
_PUBLISHED = {
    "train": {"people": 702, "images": 16_522, "cameras": 8},
    "query": {"people": 702, "images": 2_228, "cameras": 8},
    "gallery": {"people": 1_110, "images": 17_661, "cameras": 8},  # 408 of them distractors
}


def read_dukemtmc_reid(root: Path) -> ReidDataset:
    """DukeMTMC-reID, withdrawn by its authors: 16,522 / 2,228 / 17,661 images of 1,404 people from 8 cameras.

    Ristani et al., ECCV-W 2016; split of Zheng et al., ICCV 2017. `root` is the folder with `bounding_box_train`, `query` and
    `bounding_box_test`, or one or two above it. The people shown were filmed without their consent, and the dataset was
    withdrawn in 2019: every reading warns of it.

    Raises:
        FileNotFoundError: A folder is missing; the message says where it was looked for.
        ValueError: A file name is not DukeMTMC-reID's, or a split does not have the published counts.
    """
    base = find_folder(root, "DukeMTMC-reID", _NAMES, _FOLDERS)
    left_out: Counter[str] = Counter()
    train, query, gallery = (_IMAGES.read(base / folder, left_out) for folder in _FOLDERS)
    dataset = check_counts(ReidDataset("dukemtmc-reid", base, train, query, gallery, left_out=left_out), _PUBLISHED)
    warnings.warn(
        "DukeMTMC-reID was withdrawn by its authors; think twice before you use it (docs/responsible-use.md)",
        stacklevel=2,
    )
    return dataset
