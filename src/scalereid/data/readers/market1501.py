"""Market-1501 as its authors pack it, and a split of its training people for development."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.first_images import first_of_each_camera
from scalereid.data.readers.folders import FileNames, NotHereError, find_folder
from scalereid.data.records import ReidDataset

_FOLDER = "Market-1501-v15.09.15"
_FOLDERS = ("bounding_box_train", "query", "bounding_box_test")
_NAME = re.compile(r"(?P<pid>-1|\d{4})_c(?P<camid>\d)s\d_\d{6}_\d{2}(\.jpg)+")
_IMAGES = FileNames("Market-1501", _NAME, example="0002_c1s1_000451_03.jpg")
_DISTRACTOR_NAME = re.compile(r"(?P<pid>-1|0+)_c(?P<camid>\d)\w*(\.jpg)+")
_DISTRACTORS = FileNames("Market-1501 distractor", _DISTRACTOR_NAME, example="0000_c1s1_000151_01.jpg")
_PUBLISHED = {
    "train": {"people": 751, "images": 12_936, "cameras": 6},
    "query": {"people": 750, "images": 3_368, "cameras": 6},
    "gallery": {"people": 751, "images": 15_913, "cameras": 6},  # 750 and the distractors, pid 0
}
_DEV_TRAINING_PEOPLE = 600
_DEV_COUNTS = {
    "train": {"people": 600, "images": 10_652, "cameras": 6},
    "query": {"people": 151, "images": 669, "cameras": 6},
    "gallery": {"people": 149, "images": 1_615, "cameras": 6},  # two people have one image per camera
}
_ALL_COUNTS = {
    "query": {"people": 751, "images": 3_262, "cameras": 6},
    "gallery": {"people": 745, "images": 9_674, "cameras": 6},  # six people have one image per camera
}


def read_market1501(root: Path) -> ReidDataset:
    """Market-1501 (Zheng et al., ICCV 2015): 12,936 / 3,368 / 15,913 images of 1,501 people from 6 cameras.

    `root` is the folder with `bounding_box_train`, `query` and `bounding_box_test`, or one or two above it. Junk (pid −1)
    is dropped, distractors (pid 0) stay in the gallery. Only `.jpg` files are read.

    Raises:
        FileNotFoundError: A folder is missing; the message says where it was looked for.
        ValueError: A file name is not Market-1501's, or a split does not have the published counts.
    """
    base = _find(root, _FOLDERS)
    left_out: Counter[str] = Counter()
    train, query, gallery = (_IMAGES.read(base / folder, left_out) for folder in _FOLDERS)
    return check_counts(ReidDataset("market1501", base, train, query, gallery, left_out=left_out), _PUBLISHED)


def read_market1501_500k(root: Path) -> ReidDataset:
    """Market-1501 with the 500,000 distractors that its authors offer beside it: a harder gallery.

    The distractors are in `images` or `distractors`, beside the other folders; junk among them is dropped too.

    Raises:
        FileNotFoundError: A folder is missing, or there are no distractors in it.
        ValueError: A file name is not Market-1501's or not a distractor's, or a split does not have the published counts.
    """
    dataset = read_market1501(root)
    folder = next((dataset.root / name for name in ("images", "distractors") if (dataset.root / name).is_dir()), None)
    if folder is None:
        raise NotHereError(f"{dataset.root} has neither images nor distractors, the folder of the 500,000")
    left_out = Counter(dataset.left_out)
    distractors = _DISTRACTORS.read(folder, left_out)
    if not distractors:
        raise FileNotFoundError(f"{folder} contains no distractors")
    gallery = dataset.gallery + distractors
    return replace(dataset, name="market1501-500k", gallery=gallery, left_out=left_out)


def read_market1501_dev(root: Path) -> ReidDataset:
    """A development split of Market-1501's training images: the official test images stay unseen.

    Of the 751 training people in ascending order the first 600 are for training. The other 151 (pid 1158 and up) are for
    testing: each one's first image by name from each camera is a query (669), all others are the gallery (1,615). Six of the
    queries have no match from another camera. Scores on it are not comparable with scores on `market1501`.

    Raises:
        FileNotFoundError: The folder `bounding_box_train` is missing; the message says where it was looked for.
        ValueError: A file name is not Market-1501's, or the counts are not those above.
    """
    return check_counts(_development_split("market1501-dev", _find(root, _FOLDERS[:1])), _DEV_COUNTS)


def read_market1501_dev_cameras(root: Path) -> ReidDataset:
    """Cameras never seen in training: `market1501-dev` with cameras 1 to 3 for training and cameras 4 to 6 for testing.

    The same 600 people are for training and the same 151 for testing, each with the images of those cameras only. Raises what
    `read_market1501_dev` raises.
    """
    whole = read_market1501_dev(root)
    return _development_split("market1501-dev-cameras", whole.root, train=(1, 2, 3), test=(4, 5, 6))


def read_market1501_all(root: Path) -> ReidDataset:
    """All 751 training people of Market-1501 as people to find: for models that have seen no image of Market-1501.

    Each one's first image by name from each camera is a query (3,262), all others are the gallery (9,674); there are no
    training images. Scores on it are not comparable with scores on `market1501`.

    Raises:
        FileNotFoundError: The folder `bounding_box_train` is missing; the message says where it was looked for.
        ValueError: A file name is not Market-1501's, or the counts are not those above.
    """
    base = _find(root, _FOLDERS[:1])
    left_out: Counter[str] = Counter()
    query, gallery = first_of_each_camera(_IMAGES.read(base / "bounding_box_train", left_out))
    return check_counts(ReidDataset("market1501-all", base, (), query, gallery, left_out=left_out), _ALL_COUNTS)


def _development_split(
    name: str, base: Path, *, train: Collection[int] = range(1, 7), test: Collection[int] = range(1, 7)
) -> ReidDataset:
    """The first people's images from the cameras `train`, and the others' from the cameras `test`."""
    left_out: Counter[str] = Counter()
    records = _IMAGES.read(base / "bounding_box_train", left_out)
    training_people = set(sorted({record.pid for record in records})[:_DEV_TRAINING_PEOPLE])
    query, gallery = first_of_each_camera(
        record for record in records if record.pid not in training_people and record.camid in test
    )
    own = tuple(record for record in records if record.pid in training_people and record.camid in train)
    return ReidDataset(name, base, own, query, gallery, left_out=left_out)


def _find(root: Path, folders: tuple[str, ...]) -> Path:
    hint = "With only the training images, use market1501-dev." if len(folders) > 1 else ""
    return find_folder(root, "Market-1501", (_FOLDER, f"market1501/{_FOLDER}", "market1501"), folders, hint=hint)
