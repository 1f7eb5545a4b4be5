"""QMUL GRID as its authors pack it, with their ten partitions."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import FileNames, find_folder
from scalereid.data.readers.matlab import load_mat
from scalereid.data.readers.random_splits import check_split
from scalereid.data.records import ReidDataset

GRID_SPLITS = 10
_NAME = re.compile(r"(?P<pid>\d{4})_(?P<camid>\d+)_\w+\.jpeg")
_IMAGES = FileNames("GRID", _NAME, example="0001_1_25004_107_32_106_221.jpeg")
_PARTITIONS = "features_and_partitions.mat"
_PUBLISHED = {
    "train": {"people": 125, "images": 250},
    "query": {"people": 125, "images": 125},
    "gallery": {"people": 126, "images": 900},  # 125 and the distractors, 775 images of pid 0
}


def read_grid(root: Path, split: int = 1) -> ReidDataset:
    """GRID (Loy et al., CVPR 2009): 250 people in two cameras of eight, 775 images of others; the authors' 10 partitions.

    `root` is the folder with `probe`, `gallery` and `features_and_partitions.mat`, or one or two above it. That file, which
    tells the 125 training people, takes SciPy: pip install 'scalereid[matlab]'.

    Raises:
        FileNotFoundError: A part is missing; the message says where it was looked for.
        ModuleNotFoundError: SciPy is not installed.
        ValueError: A file name is not GRID's, a split does not have the published counts, or the split does not exist.
    """
    check_split("grid", split, GRID_SPLITS)
    names = ("underground_reid", "grid/underground_reid", "grid")
    base = find_folder(root, "GRID", names, ("probe", "gallery", _PARTITIONS))
    left_out: Counter[str] = Counter()
    probe, gallery = (_IMAGES.read(base / folder, left_out) for folder in ("probe", "gallery"))
    trained = _training_people(base / _PARTITIONS, split)
    train = tuple(record for record in probe + gallery if record.pid in trained)
    query, gallery = (tuple(record for record in camera if record.pid not in trained) for camera in (probe, gallery))
    return check_counts(ReidDataset(f"grid#{split}", base, train, query, gallery, left_out=left_out), _PUBLISHED)


def _training_people(file: Path, split: int) -> set[int]:
    """The pids in one of ten cells, each of which is a structure whose third field lists them."""
    partitions = load_mat(file)
    try:
        return {int(pid) for pid in partitions["trainIdxAll"][0][split - 1][0][0][2].ravel()}
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{file} does not contain trainIdxAll, GRID's partitions, as its authors wrote it") from error
