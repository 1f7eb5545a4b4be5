"""Anyone's own data with Market-1501's file names."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.folders import IMAGE_SUFFIXES, NotHereError, list_folders, read_names
from scalereid.data.records import ImageRecord, ReidDataset

SPLIT_FOLDERS = {
    "train": ("train", "bounding_box_train"),
    "query": ("query", "probe"),
    "gallery": ("gallery", "bounding_box_test", "test"),
}
"""What people call the folders of a dataset's splits."""
MARKET_LIKE = re.compile(r"(?P<pid>-1|\d+)_c(?P<camid>\d+).*")


def read_market_names(root: Path) -> ReidDataset:
    """Anyone's own data with names as Market-1501 has them: person, _c, camera, whatever follows, like 0042_c3_0001.png.

    `root` holds the folders `train` (or `bounding_box_train`), `query` (`probe`) and `gallery` (`bounding_box_test`, `test`),
    of which some may be missing; or the images themselves, which are then all to train on (`scalereid data check ROOT
    --write-split` makes queries and a gallery of some). Pid −1 is junk, which is left out, 0 a distractor.

    Raises:
        FileNotFoundError: there are neither such folders nor images.
        ValueError: an image's name cannot be read.
    """
    left_out: Counter[str] = Counter()
    splits = {split: _read(folder, left_out) if folder else () for split, folder in find_split_folders(root).items()}
    if not any(splits.values()):
        splits["train"] = _read(root, left_out)
    if not any(splits.values()):
        raise NotHereError(f"there are no images in {root}, nor in folders train, query and gallery within it")
    train, query, gallery = (splits[split] for split in SPLIT_FOLDERS)
    return ReidDataset(root.absolute().name, root, train, query, gallery, left_out=left_out)


def find_split_folders(root: Path) -> dict[str, Path | None]:
    """For each split the folder in `root` that holds it, upper or lower case, None where there is none.

    Raises:
        FileNotFoundError: `root` is no folder.
        ValueError: there are two for one split.
    """
    if not root.is_dir():
        raise NotHereError(f"{root} is no folder")
    folders = list_folders(root)
    found = {split: [f for f in folders if f.name.lower() in names] for split, names in SPLIT_FOLDERS.items()}
    for split, folders in found.items():
        if len(folders) > 1:
            raise ValueError(f"{root} has {' and '.join(f.name for f in folders)}; which of them is the {split} split?")
    return {split: folders[0] if folders else None for split, folders in found.items()}


def _read(folder: Path, left_out: Counter[str]) -> tuple[ImageRecord, ...]:
    return read_names(folder, MARKET_LIKE, "Market-1501-like", "0042_c3_0001.jpg", left_out, suffixes=IMAGE_SUFFIXES)
