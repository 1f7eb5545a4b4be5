"""CUHK02 as its authors pack it: five pairs of cameras, the last one for testing."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import FileNames, find_folder
from scalereid.data.records import ReidDataset

_IMAGES = FileNames("CUHK02", re.compile(r"(?P<pid>\d+)_\w+\.png"), example="001_0001.png")
_PAIRS = ("P1", "P2", "P3", "P4", "P5")
_PUBLISHED = {
    "train": {"people": 1_577, "images": 6_308, "cameras": 8},
    "query": {"people": 239, "images": 478, "cameras": 1},
    "gallery": {"people": 239, "images": 478, "cameras": 1},
}


def read_cuhk02(root: Path) -> ReidDataset:
    """CUHK02 (Li and Wang, CVPR 2013): 1,816 people in five pairs of cameras; P1 to P4 for training, P5 for testing.

    `root` is the folder with `P1` to `P5`, or one or two above it. The files number people anew in each pair; here the pids
    of pair n start at n × 10,000. In P5 the first camera's images are the queries.

    Raises:
        FileNotFoundError: A folder is missing; the message says where it was looked for.
        ValueError: A file name is not CUHK02's, or a split does not have the published counts.
    """
    base = find_folder(root, "CUHK02", ("Dataset", "cuhk02/Dataset", "CUHK02/Dataset", "CUHK02"), _PAIRS)
    left_out: Counter[str] = Counter()
    cameras = []  # two of each pair
    for number, pair in enumerate(_PAIRS, start=1):
        for view in (1, 2):
            folder = base / pair / f"cam{view}"
            if not folder.is_dir():
                raise FileNotFoundError(f"CUHK02: {folder} does not exist")
            camid = 2 * (number - 1) + view
            cameras.append(_IMAGES.read(folder, left_out, camid=camid, pid_offset=number * 10_000))
    *trained, query, gallery = cameras
    train = tuple(record for camera in trained for record in camera)
    return check_counts(ReidDataset("cuhk02", base, train, query, gallery, left_out=left_out), _PUBLISHED)
