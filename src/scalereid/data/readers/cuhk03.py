"""CUHK03, unpacked from its authors' file: the new protocol of 767 / 700 people and the classic one of 1,367 / 100."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import FileNames, find_folder
from scalereid.data.readers.matlab import load_mat
from scalereid.data.readers.random_splits import check_split
from scalereid.data.readers.rows import csv_rows, on_line, whole_number
from scalereid.data.records import ImageRecord, ReidDataset

Boxes = Literal["detected", "labeled"]
"""Whether a detector or a person drew the boxes; spelt as in the authors' files."""
CUHK03_CLASSIC_SPLITS = 20
TEST_SETS = "classic_test_sets.csv"
# int("1_001") is 1001: the pair of cameras is part of the pid.
_IMAGES = FileNames("CUHK03", re.compile(r"(?P<pid>[1-5]_\d{3})_(?P<camid>[12])_\d{2}\.png"), "1_001_1_01.png")
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

    `root` is the folder with `images_detected`, which `unpack_cuhk03` makes from the authors' `cuhk-03.mat`, and
    `cuhk03_new_protocol_config_detected.mat`, or one above it. The latter takes SciPy: pip install 'scalereid[matlab]'.

    Raises:
        FileNotFoundError: A part is missing; the message says where it was looked for.
        ModuleNotFoundError: SciPy is not installed.
        ValueError: The list cannot be read, or a split does not have the published counts.
    """
    return _new_protocol(root, "detected")


def read_cuhk03_labelled(root: Path) -> ReidDataset:
    """CUHK03, new protocol, boxes drawn by people: 7,368 / 1,400 / 5,328 images of 1,467 people.

    `root` as for the detected boxes, with `images_labeled` and `cuhk03_new_protocol_config_labeled.mat`. Raises what
    `read_cuhk03_detected` raises.
    """
    return _new_protocol(root, "labeled")


def read_cuhk03_classic_detected(root: Path, split: int = 1) -> ReidDataset:
    """CUHK03, classic protocol, detected boxes: 1,367 people for training, 100 for testing; the authors' 20 splits.

    `root` is the folder with `images_detected` and `classic_test_sets.csv`, which `unpack_cuhk03` makes from the authors'
    `cuhk-03.mat`, or one above it. Every test image is a query and in the gallery; the protocol is `single-gallery-shot`.

    Raises:
        FileNotFoundError: A part is missing; the message says where it was looked for.
        ValueError: A file cannot be read, a split does not have the published counts, or the split does not exist.
    """
    return _classic_protocol(root, "detected", split)


def read_cuhk03_classic_labelled(root: Path, split: int = 1) -> ReidDataset:
    """CUHK03, classic protocol, boxes drawn by people: 1,367 people for training, 100 for testing; the authors' 20 splits.

    `root` as for the detected boxes, with `images_labeled`. Raises what `read_cuhk03_classic_detected` raises.
    """
    return _classic_protocol(root, "labeled", split)


def read_new_protocol(config: Path) -> list[list[tuple[str, int]]]:
    """The names and pids of the images that the new protocol's lists name for training, as queries and in the gallery.

    Raises:
        ModuleNotFoundError: SciPy is not installed.
        ValueError: `config` is not the authors' file.
    """
    variables = load_mat(config)
    try:
        names = [str(name[0]) for name in variables["filelist"].ravel()]
        pids = [int(pid) for pid in variables["labels"].ravel()]
        rows = [variables[f"{part}_idx"].ravel().tolist() for part in ("train", "query", "gallery")]  # counted from 1
        return [[(names[i - 1], pids[i - 1]) for i in part] for part in rows]
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{config} does not contain the new protocol as its authors wrote it") from error


def _new_protocol(root: Path, boxes: Boxes) -> ReidDataset:
    config = f"cuhk03_new_protocol_config_{boxes}.mat"
    base = _find(root, f"images_{boxes}", config)
    folder, lists = base / f"images_{boxes}", read_new_protocol(base / config)
    train, query, gallery = (tuple(_record(folder, name, pid) for name, pid in part) for part in lists)
    return check_counts(ReidDataset(f"cuhk03-np-{_spelt(boxes)}", base, train, query, gallery), _PUBLISHED[boxes])


def _record(folder: Path, name: str, pid: int) -> ImageRecord:
    match = _IMAGES.pattern.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is not an image of CUHK03, which looks like {_IMAGES.example}")
    return ImageRecord(folder / name, pid, int(match["camid"]))


def _classic_protocol(root: Path, boxes: Boxes, split: int) -> ReidDataset:
    name = f"cuhk03-classic-{_spelt(boxes)}"
    check_split(name, split, CUHK03_CLASSIC_SPLITS)
    base = _find(root, f"images_{boxes}", TEST_SETS)
    test_people = {1000 * pair + person for number, pair, person in _test_sets(base / TEST_SETS) if number == split}
    left_out: Counter[str] = Counter()
    records = _IMAGES.read(base / f"images_{boxes}", left_out)
    test = tuple(record for record in records if record.pid in test_people)
    train = tuple(record for record in records if record.pid not in test_people)
    dataset = ReidDataset(f"{name}#{split}", base, train, test, test, protocol="single-gallery-shot", left_out=left_out)
    return check_counts(dataset, _PUBLISHED_CLASSIC)


def _test_sets(file: Path) -> Iterator[list[int]]:
    """Split, pair of cameras and number of each test person."""
    columns = ("split", "pair", "person")
    for line, row in csv_rows(file, columns):
        try:
            yield [whole_number(column, row[column]) for column in columns]
        except ValueError as error:
            raise on_line(file, line, error) from None


def _find(root: Path, *parts: str) -> Path:
    hint = "If you have the authors' cuhk-03.mat, unpack it first (docs/reference/datasets.md)."
    return find_folder(root, "CUHK03", ("cuhk03", "CUHK03"), parts, hint=hint)


def _spelt(boxes: Boxes) -> str:
    return "labelled" if boxes == "labeled" else boxes
