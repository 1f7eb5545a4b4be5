"""MSMT17 as its authors pack it, version 1 or version 2 (whose faces are blurred)."""

import re
from pathlib import Path
from typing import NamedTuple

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import find_folder
from scalereid.data.readers.rows import text_of
from scalereid.data.records import ImageRecord, ReidDataset

_LINE = re.compile(r"(?P<path>\d{4}/\d{4}_\d{3}_(?P<camid>\d{2})_\S+\.jpg) (?P<pid>\d+)")
_LISTS = ("list_train.txt", "list_val.txt", "list_query.txt", "list_gallery.txt")
_NAMES = ("MSMT17_V2", "MSMT17_V1", "msmt17/MSMT17_V2", "msmt17/MSMT17_V1", "MSMT17", "msmt17")
_FOLDERS = {"train": ("mask_train_v2", "train"), "test": ("mask_test_v2", "test")}  # of version 2, of version 1
_TRAINING_PEOPLE = 1_041
_COUNTS = {
    "train": {"people": 1_041, "images": 30_248, "cameras": 15},
    "query": {"people": 3_060, "images": 11_659, "cameras": 15},
    "gallery": {"people": 3_060, "images": 82_161, "cameras": 15},
}
_WITH_VALIDATION = {"people": 1_041, "images": 32_621, "cameras": 15}
_ALL = {"people": 4_101, "images": 126_441, "cameras": 15}


def read_msmt17(root: Path) -> ReidDataset:
    """MSMT17 (Wei et al., CVPR 2018): 30,248 / 11,659 / 82,161 images of 4,101 people from 15 cameras.

    `root` is the folder with the four lists, or one or two above it; both versions are read. The training images are those of
    the training list, as for OSNet and torchreid. Pids start at 1, because pid 0 is a distractor elsewhere, and those of the
    test people follow those of the training people.

    Raises:
        FileNotFoundError: A list or folder is missing; the message says where it was looked for.
        ValueError: A line of a list cannot be read, or a split does not have the published counts.
    """
    lists = _lists(root)
    return check_counts(ReidDataset("msmt17", lists.base, lists.train, lists.query, lists.gallery), _COUNTS)


def read_msmt17_with_validation(root: Path) -> ReidDataset:
    """MSMT17 with the validation list for training too: 32,621 training images of the same 1,041 people.

    As TransReID, CLIP-ReID and perhaps DSLNet do; not comparable with `msmt17`. Raises what `read_msmt17` raises.
    """
    lists = _lists(root)
    train = lists.train + lists.validation
    dataset = ReidDataset("msmt17-trainval", lists.base, train, lists.query, lists.gallery)
    return check_counts(dataset, _COUNTS | {"train": _WITH_VALIDATION})


def read_msmt17_all(root: Path) -> ReidDataset:
    """All of MSMT17 for training, for domain generalisation: 126,441 images of 4,101 people; no query or gallery images.

    What torchreid calls combineall, and what published scores from MSMT17 to Market-1501 mean. Raises what `read_msmt17`
    raises.
    """
    lists = _lists(root)
    everything = lists.train + lists.validation + lists.query + lists.gallery
    return check_counts(ReidDataset("msmt17-all", lists.base, everything, (), ()), {"train": _ALL})


class _Lists(NamedTuple):
    base: Path
    train: tuple[ImageRecord, ...]
    validation: tuple[ImageRecord, ...]
    query: tuple[ImageRecord, ...]
    gallery: tuple[ImageRecord, ...]


def _lists(root: Path) -> _Lists:
    """The folder, and the records of its four lists."""
    base = find_folder(root, "MSMT17", _NAMES, _LISTS)
    folders = {}
    for part, names in _FOLDERS.items():
        there = [base / name for name in names if (base / name).is_dir()]
        if not there:
            raise FileNotFoundError(f"{base} has neither {names[0]} (version 2) nor {names[1]} (version 1)")
        folders[part] = there[0]
    train, validation = (_read(base / name, folders["train"], first_pid=1) for name in _LISTS[:2])
    query, gallery = (_read(base / name, folders["test"], first_pid=1 + _TRAINING_PEOPLE) for name in _LISTS[2:])
    return _Lists(base, train, validation, query, gallery)


def _read(file: Path, folder: Path, *, first_pid: int) -> tuple[ImageRecord, ...]:
    records = []
    for number, line in enumerate(text_of(file).splitlines(), start=1):
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"{file}, line {number}: {line!r} is not an image of MSMT17 and a person's number")
        records.append(ImageRecord(folder / match["path"], first_pid + int(match["pid"]), int(match["camid"])))
    return tuple(records)
