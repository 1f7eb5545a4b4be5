"""PRID 2011 as its authors pack it: single images, and sequences."""

import re
from collections import Counter
from pathlib import Path

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import FileNames, find_folder, list_folders, list_images, sequences
from scalereid.data.readers.random_splits import draw_people
from scalereid.data.records import ReidDataset

PRID2011_SPLITS = 10
_NAMES = ("prid_2011", "prid2011/prid_2011", "prid2011")
_IMAGES = FileNames("PRID 2011", re.compile(r"person_(?P<pid>\d{4})\.png"), example="person_0001.png")
_FOLDER = re.compile(r"person_(?P<pid>\d{4})")
_IN_BOTH = 200  # people 1 to 200 are in both cameras
_PUBLISHED = {
    "train": {"people": 100, "images": 200, "cameras": 2},
    "query": {"people": 100, "images": 100, "cameras": 1},
    "gallery": {"people": 649, "images": 649, "cameras": 1},
}
_LONG_SEQUENCES = 178
_PUBLISHED_VIDEO = {
    "train": {"people": 89, "cameras": 2, "tracklets": 178},
    "query": {"people": 89, "cameras": 1, "tracklets": 89},
    "gallery": {"people": 89, "cameras": 1, "tracklets": 89},
}


def read_prid2011(root: Path, split: int = 1) -> ReidDataset:
    """PRID 2011 (Hirzer et al., SCIA 2011), single images: 200 people in both of 2 cameras, 549 in one; 10 random splits.

    `root` is the folder with `single_shot`, or one or two above it. 100 people are for training; the images of the other 100
    from camera A are the queries, and all other people of camera B are the gallery, seen in A or not. People of camera A
    alone are dropped.

    Raises:
        FileNotFoundError: A folder is missing; the message says where it was looked for.
        ValueError: A file name is not PRID's, a split does not have the published counts, or the split does not exist.
    """
    base = find_folder(root, "PRID 2011 (single images)", _NAMES, ("single_shot/cam_a", "single_shot/cam_b"))
    left_out: Counter[str] = Counter()
    first = _IMAGES.read(base / "single_shot/cam_a", left_out, camid=1)
    second = _IMAGES.read(base / "single_shot/cam_b", left_out, camid=2)
    in_both = tuple(record for record in first if record.pid <= _IN_BOTH)
    if only_in_a := len(first) - len(in_both):
        left_out["people of camera A alone"] += only_in_a
    trained = draw_people((r.pid for r in in_both), 100, dataset="prid2011", split=split, of=PRID2011_SPLITS)
    train = tuple(record for record in in_both + second if record.pid in trained)
    query, gallery = (tuple(r for r in camera if r.pid not in trained) for camera in (in_both, second))
    return check_counts(ReidDataset(f"prid2011#{split}", base, train, query, gallery, left_out=left_out), _PUBLISHED)


def read_prid2011_video(root: Path, split: int = 1) -> ReidDataset:
    """PRID 2011's sequences: the 178 people of both cameras with long enough ones, half of them for training; 10 random splits.

    `root` is the folder with `multi_shot`, or one or two above it. As Wang et al. (ECCV 2014) chose: of the 200 people in both
    cameras the 22 whose shorter sequence is shortest, about 21 frames or less, are dropped. Camera A's are the queries.

    Raises:
        FileNotFoundError: A folder is missing; the message says where it was looked for.
        ValueError: A split does not have the published counts, or the split does not exist.
    """
    base = find_folder(root, "PRID 2011 (sequences)", _NAMES, ("multi_shot/cam_a", "multi_shot/cam_b"))
    left_out: Counter[str] = Counter()
    first, second = (_sequences(base / "multi_shot" / folder, left_out) for folder in ("cam_a", "cam_b"))
    in_both = [pid for pid in first if pid <= _IN_BOTH and pid in second]
    shorter = {pid: min(len(first[pid]), len(second[pid])) for pid in in_both}
    chosen = sorted(in_both, key=lambda pid: (-shorter[pid], pid))[:_LONG_SEQUENCES]
    if dropped := len(first.keys() | second.keys()) - len(chosen):
        left_out["people of one camera, or with short sequences"] += dropped
    drawn = draw_people(chosen, len(chosen) // 2, dataset="prid2011-video", split=split, of=PRID2011_SPLITS)
    trained, tested = sorted(drawn), sorted(set(chosen) - drawn)
    train = sequences(first, trained, 1) + sequences(second, trained, 2)
    query, gallery = sequences(first, tested, 1), sequences(second, tested, 2)
    name = f"prid2011-video#{split}"
    return check_counts(ReidDataset(name, base, train, query, gallery, left_out=left_out), _PUBLISHED_VIDEO)


def _sequences(folder: Path, left_out: Counter[str]) -> dict[int, list[Path]]:
    """The frames of every person in one camera's folder."""
    matches = {person: _FOLDER.fullmatch(person.name) for person in list_folders(folder)}
    return {int(match["pid"]): list_images(person, left_out, (".png",)) for person, match in matches.items() if match}
