"""iLIDS-VID as its authors pack it, with their ten splits."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import find_folder, list_folders, list_images, sequences
from scalereid.data.readers.matlab import load_mat
from scalereid.data.readers.random_splits import check_split
from scalereid.data.records import ReidDataset

ILIDS_VID_SPLITS = 10
_PERSON = re.compile(r"person(?P<pid>\d{3})")
_SEQUENCES = "i-LIDS-VID/sequences"
_SPLIT_FILE = "train-test people splits/train_test_splits_ilidsvid.mat"
_PUBLISHED = {
    "train": {"people": 150, "cameras": 2, "tracklets": 300},
    "query": {"people": 150, "cameras": 1, "tracklets": 150},
    "gallery": {"people": 150, "cameras": 1, "tracklets": 150},
}


def read_ilids_vid(root: Path, split: int = 1) -> ReidDataset:
    """iLIDS-VID (Wang et al., ECCV 2014): a sequence of each of 300 people from each of 2 cameras; the authors' 10 splits.

    `root` is the folder with `i-LIDS-VID` and `train-test people splits`, or one above it. The file of the splits takes SciPy:
    pip install 'scalereid[matlab]'. The first half of its people is for testing, the second for training; camera 1's
    sequences are the queries.

    Raises:
        FileNotFoundError: A part is missing; the message says where it was looked for.
        ModuleNotFoundError: SciPy is not installed.
        ValueError: A folder is not a person's, a split does not have the published counts, or the split does not exist.
    """
    check_split("ilids-vid", split, ILIDS_VID_SPLITS)
    base = find_folder(root, "iLIDS-VID", ("ilids-vid",), (_SEQUENCES, _SPLIT_FILE))
    cameras = [list_folders(base / _SEQUENCES / camera) for camera in ("cam1", "cam2")]
    names, names_2 = ([folder.name for folder in folders] for folders in cameras)
    if names != names_2:
        raise ValueError(f"the people in cam1 and cam2 of {base / _SEQUENCES} differ; unpack the dataset again")
    order = [_pid(names[i]) for i in _order(base / _SPLIT_FILE, split, len(names))]
    tested, trained = sorted(order[: len(order) // 2]), sorted(order[len(order) // 2 :])
    left_out: Counter[str] = Counter()
    first, second = ({_pid(folder.name): _frames(folder, left_out) for folder in camera} for camera in cameras)
    train = sequences(first, trained, 1) + sequences(second, trained, 2)
    query, gallery = sequences(first, tested, 1), sequences(second, tested, 2)
    return check_counts(ReidDataset(f"ilids-vid#{split}", base, train, query, gallery, left_out=left_out), _PUBLISHED)


def _order(file: Path, split: int, people: int) -> list[int]:
    """A row of the authors' table: indices of people in the sorted list of folders, from 0."""
    try:
        row = [int(index) - 1 for index in load_mat(file)["ls_set"][split - 1]]
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{file} does not contain ls_set, iLIDS-VID's splits, as its authors wrote it") from error
    if sorted(row) != list(range(people)):
        raise ValueError(f"{file} orders {len(row)} people, but there are sequences of {people}")
    return row


def _pid(name: str) -> int:
    match = _PERSON.fullmatch(name)
    if match is None:
        raise ValueError(f"{name}: not a person's folder of iLIDS-VID, which looks like person001")
    return int(match["pid"])


def _frames(folder: Path, left_out: Counter[str]) -> list[Path]:
    frames = list_images(folder, left_out, (".png",))
    if not frames:
        raise FileNotFoundError(f"{folder} contains no frames (.png)")
    return frames
