"""CUHK-SYSU, cropped to people: for training only."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import FileNames, find_folder
from scalereid.data.records import ReidDataset

_IMAGES = FileNames("CUHK-SYSU", re.compile(r"p(?P<pid>\d+)_s\d+_\d+\.jpg"), example="p11422_s16929_1.jpg")
_PUBLISHED = {"train": {"people": 11_934, "images": 34_574}}


def read_cuhk_sysu(root: Path) -> ReidDataset:
    """CUHK-SYSU (Xiao et al., CVPR 2017), cropped: 34,574 training images of 11,934 people; no query or gallery images.

    `root` is the folder with `cropped_images`, or one above it. The cameras are not known: all images have camera 1.

    Raises:
        FileNotFoundError: The folder is missing; the message says where it was looked for.
        ValueError: A file name is not CUHK-SYSU's, or the counts are not the published ones.
    """
    base = find_folder(root, "CUHK-SYSU", ("cuhksysu", "cuhk-sysu", "CUHK-SYSU"), ("cropped_images",))
    left_out: Counter[str] = Counter()
    train = _IMAGES.read(base / "cropped_images", left_out)
    return check_counts(ReidDataset("cuhk-sysu", base, train, (), (), left_out=left_out), _PUBLISHED)
