"""CUHK03, unpacked from its authors' file: the new protocol of 767 / 700 people and the classic one of 1,367 / 100."""

import csv
import re
from collections import Counter
from pathlib import Path
from typing import Literal

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import find_folder, read_names
from scalereid.data.readers.matlab import load_mat
from scalereid.data.readers.random_splits import check_split
from scalereid.data.records import ImageRecord, ReidDataset

Boxes = Literal["detected", "labeled"]
"""Whether a detector or a person drew the boxes; spelt as in the authors' files."""
CUHK03_CLASSIC_SPLITS = 20
TEST_SETS = "classic_test_sets.csv"
_NAME = re.compile(r"(?P<pair>[1-5])_(?P<person>\d{3})_(?P<view>[12])_\d{2}\.png")
_CLASSIC_NAME = re.compile(r"(?P<pid>[1-5]_\d{3})_(?P<camid>[12])_\d{2}\.png")  # int("1_001") is 1001
_PUBLISHED = {
    "detected": {
        "train": {"people": 767, "images": 7_365, "cameras": 2},
        "query": {"people": 700, "images": 1_400, "cameras": 2},
        "gallery": {"people": 700, "images": 5_332, "cameras": 2},
    },
    "labeled": {
        "train": {"people": 767, "images": 7_368, "cameras": 2},
        "query": {"people": 700, "images": 1_400, "cameras": 2},
        "gallery": {"people": 700, "images": 5_328, "cameras": 2},
    },
}
_PUBLISHED_CLASSIC = {"train": {"people": 1_367}, "query": {"people": 100}, "gallery": {"people": 100}}


def read_cuhk03_detected(root: Path) -> ReidDataset:
    """CUHK03 (Li et al., CVPR 2014), new protocol (Zhong et al., CVPR 2017), detected boxes: 7,365 / 1,400 / 5,332 images.

    `root` is the folder with `images_detected` (`scalereid data unpack` makes it of the authors' `cuhk-03.mat`) and
    `cuhk03_new_protocol_config_detected.mat`, which takes SciPy (pip install 'scalereid[matlab]'), or one above it.

    Raises:
        FileNotFoundError: a part is missing; the message says where it was looked for, and how to unpack.
        ModuleNotFoundError: SciPy is not installed.
        ValueError: the list cannot be read, or a split does not have the published counts.
    """
    return _new_protocol(root, "detected")


def read_cuhk03_labelled(root: Path) -> ReidDataset:
    """CUHK03, new protocol, boxes drawn by people: 7,368 / 1,400 / 5,328 images of 1,467 people.

    `root` as for the detected boxes, with `images_labeled` and `cuhk03_new_protocol_config_labeled.mat`.

    Raises:
        FileNotFoundError, ModuleNotFoundError, ValueError: as `read_cuhk03_detected` does.
    """
    return _new_protocol(root, "labeled")


def read_cuhk03_classic_detected(root: Path, split: int = 1) -> ReidDataset:
    """CUHK03, classic protocol, detected boxes: 1,367 people to train on, 100 to find; the authors' 20 splits.

    `root` is the folder with `images_detected` and `classic_test_sets.csv`, both made by `scalereid data unpack` of the
    authors' `cuhk-03.mat`, or one above it. Every test image is a query and in the gallery; the protocol is
    `single-gallery-shot`.

    Raises:
        FileNotFoundError: a part is missing; the message says where it was looked for, and how to unpack.
        ValueError: a file cannot be read, a split does not have the published counts, or there is no such split.
    """
    return _classic_protocol(root, "detected", split)


def read_cuhk03_classic_labelled(root: Path, split: int = 1) -> ReidDataset:
    """CUHK03, classic protocol, boxes drawn by people: 1,367 people to train on, 100 to find; the authors' 20 splits.

    `root` as for the detected boxes, with `images_labeled`.

    Raises:
        FileNotFoundError, ValueError: as `read_cuhk03_classic_detected` does.
    """
    return _classic_protocol(root, "labeled", split)


def _new_protocol(root: Path, boxes: Boxes) -> ReidDataset:
    config = f"cuhk03_new_protocol_config_{boxes}.mat"
    base = _find(root, f"images_{boxes}", config)
    variables = load_mat(base / config)
    try:
        names = [str(name[0]) for name in variables["filelist"].ravel()]
        pids = [int(pid) for pid in variables["labels"].ravel()]
        places = {part: variables[f"{part}_idx"].ravel() for part in ("train", "query", "gallery")}
        train, query, gallery = (
            tuple(_record(base / f"images_{boxes}", names[place - 1], pids[place - 1]) for place in chosen.tolist())
            for chosen in places.values()
        )
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{base / config} does not hold the new protocol as its authors wrote it") from error
    dataset = ReidDataset(f"cuhk03-np-{_spelt(boxes)}", base, train, query, gallery)
    check_counts(dataset.name, _PUBLISHED[boxes], dataset.counts())
    return dataset


def _record(folder: Path, name: str, pid: int) -> ImageRecord:
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not an image of CUHK03, which looks like 1_001_1_01.png")
    return ImageRecord(folder / name, pid, int(match["view"]))


def _classic_protocol(root: Path, boxes: Boxes, split: int) -> ReidDataset:
    name = f"cuhk03-classic-{_spelt(boxes)}"
    check_split(name, split, CUHK03_CLASSIC_SPLITS)
    base = _find(root, f"images_{boxes}", TEST_SETS)
    with (base / TEST_SETS).open(newline="", encoding="utf-8") as lines:
        test_people = {
            1000 * int(row["pair"]) + int(row["person"]) for row in csv.DictReader(lines) if int(row["split"]) == split
        }
    left_out: Counter[str] = Counter()
    folder = base / f"images_{boxes}"
    records = read_names(folder, _CLASSIC_NAME, "CUHK03", "1_001_1_01.png", left_out, suffixes=(".png",))
    test = tuple(record for record in records if record.pid in test_people)
    train = tuple(record for record in records if record.pid not in test_people)
    dataset = ReidDataset(f"{name}#{split}", base, train, test, test, protocol="single-gallery-shot", left_out=left_out)
    check_counts(dataset.name, _PUBLISHED_CLASSIC, dataset.counts())
    return dataset


def _find(root: Path, *parts: str) -> Path:
    hint = "The authors' cuhk-03.mat is unpacked by: scalereid data unpack FOLDER"
    return find_folder(root, "CUHK03", ("cuhk03", "CUHK03"), parts, hint=hint)


def _spelt(boxes: Boxes) -> str:
    return "labelled" if boxes == "labeled" else boxes
