"""CUHK01 as its authors pack it, with ten random splits."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import FileNames, find_folder
from scalereid.data.readers.random_splits import draw_people
from scalereid.data.records import ReidDataset

CUHK01_SPLITS = 10
_IMAGES = FileNames("CUHK01", re.compile(r"(?P<pid>\d{4})(?P<camid>00[1-4])\.png"), example="0001001.png")
_PUBLISHED = {
    "train": {"people": 485, "images": 1_940, "cameras": 2},
    "query": {"people": 486, "images": 972, "cameras": 1},
    "gallery": {"people": 486, "images": 972, "cameras": 1},
}


def read_cuhk01(root: Path, split: int = 1) -> ReidDataset:
    """CUHK01 (Li et al., ACCV 2012): 971 people, two images from each of 2 cameras; 485 people for training, 10 random splits.

    `root` is the folder `campus`, or one or two above it. Images 1 and 2 of a person are the first camera's and the queries,
    images 3 and 4 the second's.

    Raises:
        FileNotFoundError: The folder is missing; the message says where it was looked for.
        ValueError: A file name is not CUHK01's, a split does not have the published counts, or the split does not exist.
    """
    base = find_folder(root, "CUHK01", ("campus", "cuhk01/campus", "CUHK01/campus"), (_IMAGES.example,))
    left_out: Counter[str] = Counter()
    records = tuple(replace(record, camid=(record.camid + 1) // 2) for record in _IMAGES.read(base, left_out))
    trained = draw_people((r.pid for r in records), 485, dataset="cuhk01", split=split, of=CUHK01_SPLITS)
    train = tuple(r for r in records if r.pid in trained)
    query, gallery = (tuple(r for r in records if r.pid not in trained and r.camid == camid) for camid in (1, 2))
    return check_counts(ReidDataset(f"cuhk01#{split}", base, train, query, gallery, left_out=left_out), _PUBLISHED)
