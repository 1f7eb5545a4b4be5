"""CUHK02 as its authors pack it: five pairs of cameras, the last one to test on."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import find_folder, read_names
from scalereid.data.records import ImageRecord, ReidDataset

_NAME = re.compile(r"(?P<pid>\d+)_\w+\.png")
_PAIRS = ("P1", "P2", "P3", "P4", "P5")
_PUBLISHED = {
    "train": {"people": 1_577, "images": 6_308, "cameras": 8},
    "query": {"people": 239, "images": 478, "cameras": 1},
    "gallery": {"people": 239, "images": 478, "cameras": 1},
}


def read_cuhk02(root: Path) -> ReidDataset:
    """CUHK02 (Li and Wang, CVPR 2013): 1,816 people in five pairs of cameras; P1 to P4 to train on, P5 to test.

    `root` is the folder with `P1` to `P5`, or one or two above it. People are numbered anew in each pair; here those of pair
    n start at n × 10,000. In P5 the first camera's images are the queries.

    Raises:
        FileNotFoundError: a folder is missing; the message says where it was looked for.
        ValueError: a file's name is not CUHK02's, or a split does not have the published counts.
    """
    base = find_folder(root, "CUHK02", ("Dataset", "cuhk02/Dataset", "CUHK02/Dataset", "CUHK02"), _PAIRS)
    left_out: Counter[str] = Counter()
    cameras = []  # two of each pair
    for number, pair in enumerate(_PAIRS, start=1):
        for view in (1, 2):
            folder = base / pair / f"cam{view}"
            if not folder.is_dir():
                raise FileNotFoundError(f"CUHK02: there is no {folder}")
            read = read_names(folder, _NAME, "CUHK02", "001_0001.png", left_out, suffixes=(".png",))
            camid = 2 * (number - 1) + view
            cameras.append(tuple(ImageRecord(r.path, number * 10_000 + r.pid, camid) for r in read))
    *learned, query, gallery = cameras
    train = tuple(record for camera in learned for record in camera)
    dataset = ReidDataset("cuhk02", base, train, query, gallery, left_out=left_out)
    check_counts(dataset.name, _PUBLISHED, dataset.counts())
    return dataset
