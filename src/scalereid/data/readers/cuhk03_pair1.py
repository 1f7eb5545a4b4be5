"""CUHK03's first pair of cameras alone, as JPEG files: the new protocol's people, and random splits."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.cuhk03 import read_new_protocol
from scalereid.data.readers.first_images import first_of_each_camera
from scalereid.data.readers.folders import FileNames, find_folder
from scalereid.data.readers.random_splits import draw_people
from scalereid.data.records import ImageRecord, ReidDataset

CUHK03_PAIR1_SPLITS = 10
_NAME = "cuhk03-pair1"
_IMAGES = FileNames("CUHK03 (first pair)", re.compile(r"1_(?P<pid>\d{3})_(?P<camid>[12])_\d{2}\.jpg"), "1_001_1_01.jpg")
_CONFIG = "cuhk03_new_protocol_config_detected.mat"
_TRAINING_PEOPLE = 500
_COUNTS = {
    "train": {"people": 427, "images": 4_145, "cameras": 2},
    "query": {"people": 416, "images": 832, "cameras": 2},
    "gallery": {"people": 416, "images": 3_197, "cameras": 2},
}
_RANDOM_COUNTS = {"train": {"people": 500}, "query": {"people": 343}}
_ALL_COUNTS = {
    "query": {"people": 843, "images": 1_686, "cameras": 2},
    "gallery": {"people": 843, "images": 6_491, "cameras": 2},
}


def read_cuhk03_pair1(root: Path, split: int | None = None) -> ReidDataset:
    """CUHK03's first pair of cameras, detected boxes: 4,145 / 832 / 3,197 images of 843 people; #1 … #10: random splits.

    `root` is the folder with `images_detected`, or one above it. Without `split`, the new protocol's lists decide, as far as
    they name images of the first pair: `cuhk03_new_protocol_config_detected.mat` beside `images_detected`, in the folder above
    it, or in `cuhk03` or `lists/cuhk03` there. Listed images that have no file are counted in `left_out`, and so are files
    that are not listed. Reading the lists takes SciPy: pip install 'scalereid[matlab]'.

    `split` 1 to 10 draws 500 of the 843 people for training; of the others, everyone's first image from each camera is a query
    and the rest the gallery. No list is needed. This is half of CUHK03 with two of its ten cameras: scores cannot be compared
    with published ones.

    Raises:
        FileNotFoundError: A part is missing; the message says where it was looked for.
        ModuleNotFoundError: SciPy is not installed.
        ValueError: The list cannot be read, a file name is not CUHK03's, a split does not have the counts above, or the split
            does not exist.
    """
    base, records, left_out = _read(root)
    if split is not None:
        people = (record.pid for record in records)
        trained = draw_people(people, _TRAINING_PEOPLE, dataset=_NAME, split=split, of=CUHK03_PAIR1_SPLITS)
        train = tuple(record for record in records if record.pid in trained)
        query, gallery = first_of_each_camera(record for record in records if record.pid not in trained)
        dataset = ReidDataset(f"{_NAME}#{split}", base, train, query, gallery, left_out=left_out)
        return check_counts(dataset, _RANDOM_COUNTS)
    train, query, gallery = _listed(base, records, left_out)
    return check_counts(ReidDataset(_NAME, base, train, query, gallery, left_out=left_out), _COUNTS)


def read_cuhk03_pair1_all(root: Path) -> ReidDataset:
    """All 843 people of CUHK03's first pair as people to find: for models that have seen no image of CUHK03.

    Each one's first image by name from each camera is a query (1,686), all others are the gallery (6,491); there are no
    training images. No list is needed. Scores on it are not comparable with published ones.

    Raises:
        FileNotFoundError: The folder `images_detected` is missing; the message says where it was looked for.
        ValueError: A file name is not CUHK03's, or the counts are not those above.
    """
    base, records, left_out = _read(root)
    query, gallery = first_of_each_camera(records)
    return check_counts(ReidDataset(f"{_NAME}-all", base, (), query, gallery, left_out=left_out), _ALL_COUNTS)


def _read(root: Path) -> tuple[Path, tuple[ImageRecord, ...], Counter[str]]:
    """The folder, the records of all its images, and the number of files that are left out, by reason."""
    base = find_folder(root, "CUHK03's first pair", (_NAME,), ("images_detected",))
    left_out: Counter[str] = Counter()
    return base, _IMAGES.read(base / "images_detected", left_out), left_out


def _listed(
    base: Path, records: tuple[ImageRecord, ...], left_out: Counter[str]
) -> tuple[tuple[ImageRecord, ...], ...]:
    """The records that the new protocol's lists name for training, as queries and in the gallery."""
    folder = find_folder(base.parent, "The new protocol of CUHK03", (base.name, "cuhk03", "lists/cuhk03"), (_CONFIG,))
    files = {record.path.stem: record for record in records}
    listed = [
        [Path(name).stem for name, _ in part if name.startswith("1_")] for part in read_new_protocol(folder / _CONFIG)
    ]
    splits = tuple(tuple(files[name] for name in names if name in files) for names in listed)
    named = sum(map(len, splits))
    for why, number in (
        ("listed images without a file", sum(map(len, listed)) - named),
        ("files in images_detected that are not listed", len(records) - named),
    ):
        if number:
            left_out[why] = number
    return splits
