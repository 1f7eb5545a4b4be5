"""VIPeR as its authors pack it: two images per person, with ten random splits."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import FileNames, find_folder
from scalereid.data.readers.random_splits import draw_people
from scalereid.data.records import ReidDataset

VIPER_SPLITS = 10
_IMAGES = FileNames("VIPeR", re.compile(r"(?P<pid>\d{3})_\d+\.bmp"), example="001_45.bmp")
_PUBLISHED = {
    "train": {"people": 316, "images": 632, "cameras": 2},
    "query": {"people": 316, "images": 316, "cameras": 1},
    "gallery": {"people": 316, "images": 316, "cameras": 1},
}


def read_viper(root: Path, split: int = 1) -> ReidDataset:
    """VIPeR (Gray et al., PETS 2007): 632 people, one image from each of 2 cameras; 316 for training, 10 random splits.

    `root` is the folder with `cam_a` and `cam_b`, or one or two above it. Pids are the numbers in the names plus 1, because
    pid 0 is a distractor elsewhere. Camera A's images are the queries. (torchreid also scores the other way round and averages
    20 scores.)

    Raises:
        FileNotFoundError: A folder is missing; the message says where it was looked for.
        ValueError: A file name is not VIPeR's, a split does not have the published counts, or the split does not exist.
    """
    base = find_folder(root, "VIPeR", ("VIPeR", "viper/VIPeR", "viper"), ("cam_a", "cam_b"))
    left_out: Counter[str] = Counter()
    first = _IMAGES.read(base / "cam_a", left_out, camid=1, pid_offset=1)
    second = _IMAGES.read(base / "cam_b", left_out, camid=2, pid_offset=1)
    trained = draw_people((record.pid for record in first), 316, dataset="viper", split=split, of=VIPER_SPLITS)
    train = tuple(record for record in first + second if record.pid in trained)
    query, gallery = (tuple(record for record in camera if record.pid not in trained) for camera in (first, second))
    return check_counts(ReidDataset(f"viper#{split}", base, train, query, gallery, left_out=left_out), _PUBLISHED)
