"""VIPeR as its authors pack it: two pictures of everybody, ten random halves."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import find_folder, read_names
from scalereid.data.readers.random_splits import draw_people
from scalereid.data.records import ImageRecord, ReidDataset

VIPER_SPLITS = 10
_NAME = re.compile(r"(?P<pid>\d{3})_\d+\.bmp")
_PUBLISHED = {
    "train": {"people": 316, "images": 632, "cameras": 2},
    "query": {"people": 316, "images": 316, "cameras": 1},
    "gallery": {"people": 316, "images": 316, "cameras": 1},
}


def read_viper(root: Path, split: int = 1) -> ReidDataset:
    """VIPeR (Gray et al., PETS 2007): 632 people, one image from each of 2 cameras; half of them to train on, 10 random splits.

    `root` is the folder with `cam_a` and `cam_b`, or one or two above it. Pids are the numbers in the names plus 1. Camera
    A's images are the queries. (torchreid also scores the other way round and averages 20 scores.)

    Raises:
        FileNotFoundError: a folder is missing; the message says where it was looked for.
        ValueError: a file's name is not VIPeR's, a split does not have the published counts, or there is no such split.
    """
    base = find_folder(root, "VIPeR", ("VIPeR", "viper/VIPeR", "viper"), ("cam_a", "cam_b"))
    left_out: Counter[str] = Counter()
    sides = []
    for camid, folder in ((1, "cam_a"), (2, "cam_b")):
        read = read_names(base / folder, _NAME, "VIPeR", "001_45.bmp", left_out, suffixes=(".bmp",))
        sides.append(tuple(ImageRecord(record.path, 1 + record.pid, camid) for record in read))  # 0 is a distractor's
    learned = draw_people((r.pid for r in sides[0]), 316, dataset="viper", split=split, of=VIPER_SPLITS)
    train = tuple(r for side in sides for r in side if r.pid in learned)
    query, gallery = (tuple(r for r in side if r.pid not in learned) for side in sides)
    dataset = ReidDataset(f"viper#{split}", base, train, query, gallery, left_out=left_out)
    check_counts(dataset.name, _PUBLISHED, dataset.counts())
    return dataset
