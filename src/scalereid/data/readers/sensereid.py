"""SenseReID as its authors pack it: to be scored on only."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import find_folder, read_names
from scalereid.data.records import ReidDataset

_NAME = re.compile(r"(?P<pid>\d+)_(?P<camid>\d+)\.jpg")
_PUBLISHED = {"query": {"people": 522, "images": 1_040}, "gallery": {"people": 1_717, "images": 3_388}}


def read_sensereid(root: Path) -> ReidDataset:
    """SenseReID (Zhao et al., CVPR 2017): 1,040 queries of 522 people, 3,388 gallery images of 1,717; nothing to train on.

    `root` is the folder with `test_probe` and `test_gallery`, or one or two above it.

    Raises:
        FileNotFoundError: a folder is missing; the message says where it was looked for.
        ValueError: a file's name is not SenseReID's, or a split does not have the published counts.
    """
    folders = ("test_probe", "test_gallery")
    base = find_folder(root, "SenseReID", ("SenseReID", "sensereid/SenseReID", "sensereid"), folders)
    left_out: Counter[str] = Counter()
    query, gallery = (read_names(base / folder, _NAME, "SenseReID", "00001_0.jpg", left_out) for folder in folders)
    dataset = ReidDataset("sensereid", base, (), query, gallery, left_out=left_out)
    check_counts(dataset.name, _PUBLISHED, dataset.counts())
    return dataset
