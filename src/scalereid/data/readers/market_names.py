"""Your own data with Market-1501's file names."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.cameras import NOT_A_DATE
from scalereid.data.readers.folders import IMAGE_SUFFIXES, FileNames, NotHereError, list_folders
from scalereid.data.records import ReidDataset

SPLIT_FOLDERS = {
    "train": ("train", "bounding_box_train"),
    "query": ("query", "probe"),
    "gallery": ("gallery", "bounding_box_test", "test"),
}
"""Usual names of the folders of a dataset's splits."""
SPLIT_NAMES = {name for names in SPLIT_FOLDERS.values() for name in names}
# Times are neither people nor cameras: dates, and numbers of ten or more digits, which are seconds since 1970 and the like.
MARKET_LIKE = re.compile(rf"(?P<pid>-1|{NOT_A_DATE}\d{{1,9}})_c(?P<camid>\d{{1,4}})(?!\d).*")
_IMAGES = FileNames("Market-1501-like", MARKET_LIKE, example="0042_c3_0001.jpg", suffixes=IMAGE_SUFFIXES)


def read_market_names(root: Path) -> ReidDataset:
    """Your own data with names as Market-1501 has them: person, _c, camera, anything, like 0042_c3_0001.png.

    `root` contains the folders `train` (or `bounding_box_train`), `query` (`probe`) and `gallery` (`bounding_box_test`,
    `test`), some of which may be missing; or the images themselves, which are then all for training
    (`with_query_and_gallery` moves some people to testing). Pid −1 is junk, which is dropped, 0 a distractor.

    Raises:
        FileNotFoundError: `root` contains neither such folders nor images.
        ValueError: An image's name does not tell person and camera, or two folders are for the same split.
    """
    left_out: Counter[str] = Counter()
    folders = find_split_folders(root)
    splits = {split: _IMAGES.read(folder, left_out) if folder else () for split, folder in folders.items()}
    if not any(splits.values()):
        splits["train"] = _IMAGES.read(root, left_out)
    if not any(splits.values()):
        raise NotHereError(f"{root} contains no images, nor do folders train, query and gallery within it")
    train, query, gallery = (splits[split] for split in SPLIT_FOLDERS)
    return ReidDataset(root.absolute().name, root, train, query, gallery, left_out=left_out)


def find_split_folders(root: Path) -> dict[str, Path | None]:
    """Find for each split its folder in `root`, in upper or lower case; None if there is none.

    Raises:
        FileNotFoundError: `root` is not a folder.
        ValueError: Two folders are for the same split.
    """
    if not root.is_dir():
        raise NotHereError(f"{root} is not a folder")
    folders = list_folders(root)
    found = {split: [f for f in folders if f.name.lower() in names] for split, names in SPLIT_FOLDERS.items()}
    for split, folders in found.items():
        if len(folders) > 1:
            names = " and ".join(folder.name for folder in folders)
            raise ValueError(f"{root} contains {names}, which are both names of the {split} split; rename one of them")
    return {split: folders[0] if folders else None for split, folders in found.items()}
