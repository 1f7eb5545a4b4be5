"""CUHK-SYSU, cut into people: for training only."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import find_folder, read_names
from scalereid.data.records import ReidDataset

_NAME = re.compile(r"p(?P<pid>\d+)_s\d+_\d+\.jpg")
_PUBLISHED = {"train": {"people": 11_934, "images": 34_574}}


def read_cuhk_sysu(root: Path) -> ReidDataset:
    """CUHK-SYSU (Xiao et al., CVPR 2017), cropped: 34,574 images of 11,934 people to train on; nothing to be scored on.

    `root` is the folder with `cropped_images`, or one above it. Which camera took an image is not known: all have camera 1.

    Raises:
        FileNotFoundError: there are no such images; the message says where they were looked for.
        ValueError: a file's name is not of this dataset, or the counts are not the published ones.
    """
    base = find_folder(root, "CUHK-SYSU", ("cuhksysu", "cuhk-sysu", "CUHK-SYSU"), ("cropped_images",))
    left_out: Counter[str] = Counter()
    train = read_names(base / "cropped_images", _NAME, "CUHK-SYSU", "p11422_s16929_1.jpg", left_out)
    dataset = ReidDataset("cuhk-sysu", base, train, (), (), left_out=left_out)
    check_counts(dataset.name, _PUBLISHED, dataset.counts())
    return dataset
