"""MARS as its authors pack it: tracklets."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalereid.data.readers.counts import check_counts
from scalereid.data.readers.folders import find_folder
from scalereid.data.readers.matlab import load_mat
from scalereid.data.readers.rows import text_of
from scalereid.data.records import JUNK, ImageRecord, ReidDataset

_NAME = re.compile(r"(?P<folder>\d{4}|00-1)C\dT\d{4}F\d{3}\.jpg")
_INFO = ("train_name.txt", "test_name.txt", "tracks_train_info.mat", "tracks_test_info.mat", "query_IDX.mat")
_PUBLISHED = {
    "train": {"people": 625, "cameras": 6, "tracklets": 8_298},
    "query": {"people": 626, "tracklets": 1_980},
    "gallery": {"people": 622, "tracklets": 9_330},
}


def read_mars(root: Path) -> ReidDataset:
    """MARS (Zheng et al., ECCV 2016): 8,298 / 1,980 / 9,330 tracklets of 1,261 people from 6 cameras.

    `root` is the folder with `bbox_train`, `bbox_test` and `info` (the authors' MARS-evaluation), or one above it. Its lists
    take SciPy: pip install 'scalereid[matlab]'. Junk tracklets (pid −1) are dropped, distractors (pid 0) stay in the gallery.

    Raises:
        FileNotFoundError: A part is missing; the message says where it was looked for.
        ModuleNotFoundError: SciPy is not installed.
        ValueError: A list cannot be read, or a split does not have the published counts.
    """
    parts = ("bbox_train", "bbox_test", *(f"info/{name}" for name in _INFO))
    base = find_folder(root, "MARS", ("mars", "MARS"), parts)
    info = base / "info"
    train_names, test_names = (_names(info / name) for name in _INFO[:2])
    trained = _table(info / _INFO[2], "track_train_info", columns=4)
    tested = _table(info / _INFO[3], "track_test_info", columns=4)
    query = np.isin(np.arange(1, len(tested) + 1), _table(info / _INFO[4], "query_IDX"))
    left_out: Counter[str] = Counter()
    train = _records(base / "bbox_train", train_names, trained, left_out)
    queries, gallery = (_records(base / "bbox_test", test_names, tested[rows], left_out) for rows in (query, ~query))
    return check_counts(ReidDataset("mars", base, train, queries, gallery, left_out=left_out), _PUBLISHED)


def _names(file: Path) -> list[str]:
    names = text_of(file).split()
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{file}: {name!r} is not an image of MARS, which looks like 0001C1T0001F001.jpg")
    return names


def _table(file: Path, variable: str, *, columns: int = -1) -> NDArray[np.int64]:
    try:
        table = np.asarray(load_mat(file)[variable], dtype=np.int64)
        return table.reshape(len(table), columns)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} does not contain {variable} as the authors of MARS wrote it") from error


def _records(
    folder: Path, names: list[str], tracklets: NDArray[np.int64], left_out: Counter[str]
) -> tuple[ImageRecord, ...]:
    """The images of tracklets. Each row is one: its first and last image counted from 1, its person, its camera."""
    records = []
    for first, last, pid, camid in tracklets.tolist():
        if pid == JUNK:
            left_out[f"junk tracklets (pid −1) in {folder.name}"] += 1
            continue
        images = names[first - 1 : last]
        if len(images) != last - first + 1 or len({name[:6] for name in images}) != 1:
            raise ValueError(f"images {first} to {last} of {folder.name} are not of one person from one camera")
        records += [ImageRecord(folder / name[:4] / name, pid, camid, tracklet=first) for name in images]
    return tuple(records)
