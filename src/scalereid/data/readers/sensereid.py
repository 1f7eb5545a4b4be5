"""SenseReID as its authors pack it: for testing only."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import FileNames, find_folder
from scalereid.data.records import ReidDataset

_IMAGES = FileNames("SenseReID", re.compile(r"(?P<pid>\d+)_(?P<camid>\d+)\.jpg"), example="00001_0.jpg")
_FOLDERS = ("test_probe", "test_gallery")
_PUBLISHED = {"query": {"people": 522, "images": 1_040}, "gallery": {"people": 1_717, "images": 3_388}}


def read_sensereid(root: Path) -> ReidDataset:
    """SenseReID (Zhao et al., CVPR 2017): 1,040 queries of 522 people, 3,388 gallery images of 1,717; no training images.

    `root` is the folder with `test_probe` and `test_gallery`, or one or two above it.

    Raises:
        FileNotFoundError: A folder is missing; the message says where it was looked for.
        ValueError: A file name is not SenseReID's, or a split does not have the published counts.
    """
    base = find_folder(root, "SenseReID", ("SenseReID", "sensereid/SenseReID", "sensereid"), _FOLDERS)
    left_out: Counter[str] = Counter()
    query, gallery = (_IMAGES.read(base / folder, left_out) for folder in _FOLDERS)
    return check_counts(ReidDataset("sensereid", base, (), query, gallery, left_out=left_out), _PUBLISHED)
