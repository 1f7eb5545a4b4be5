from pathlib import Path

import numpy as np
import pytest

from scalereid.data.readers import cuhk03_pair1
from scalereid.data.readers.cuhk03_pair1 import read_cuhk03_pair1, read_cuhk03_pair1_all
from scalereid.data.records import Counts, ReidDataset
from tests.data.readers.files import touch

CONFIG = "cuhk03_new_protocol_config_detected.mat"
TRAIN = ["1_001_1_01", "1_001_2_06", "2_001_1_01"]
QUERY = ["1_002_1_01", "1_002_2_06", "3_001_1_01"]
GALLERY = ["1_002_1_02", "1_002_2_07", "1_002_2_08", "3_001_2_06"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six images of two people, lists that name another one and none of them, and two people of other pairs."""
    folder = tmp_path / "cuhk03-pair1"
    images = [*TRAIN[:2], *QUERY[:2], *GALLERY[:2], "1_002_2_09"]
    touch(folder / "images_detected", [f"{name}.jpg" for name in images] + ["Thumbs.db"])
    counts = {"train": {"people": 1, "images": 2}, "query": {"images": 2}, "gallery": {"images": 2}}
    monkeypatch.setattr(cuhk03_pair1, "_COUNTS", counts)
    return folder


def write_lists(folder: Path) -> None:
    savemat = pytest.importorskip("scipy.io", reason="SciPy is not installed").savemat
    names = [*TRAIN, *QUERY, *GALLERY]
    files = np.array([f"{name}.png" for name in names], dtype=object)[:, None]
    rows = np.split(np.arange(1, len(names) + 1), [3, 6])
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        f"{part}_idx": part_rows[:, None] for part, part_rows in zip(("train", "query", "gallery"), rows, strict=True)
    }
    savemat(folder / CONFIG, values | {"filelist": files, "labels": np.ones((len(names), 1))})


def names(dataset: ReidDataset) -> dict[str, list[str]]:
    return {split: [record.path.stem for record in records] for split, records in dataset.splits.items()}


def test_the_lists_decide_as_far_as_there_are_files(folder: Path) -> None:
    write_lists(folder)
    dataset = read_cuhk03_pair1(folder)
    assert dataset.name == "cuhk03-pair1"
    assert names(dataset) == {"train": TRAIN[:2], "query": QUERY[:2], "gallery": GALLERY[:2]}
    assert [(r.pid, r.camid) for r in dataset.query] == [(2, 1), (2, 2)]
    assert dataset.left_out == {
        "listed images without a file": 1,
        "files in images_detected that are not listed": 1,
        "files in images_detected that are not .jpg": 1,
    }


@pytest.mark.parametrize("place", ["", "cuhk03-pair1", "cuhk03", "lists/cuhk03"])
def test_the_lists_may_lie_beside_the_images_or_above_them(folder: Path, place: str) -> None:
    write_lists(folder.parent / place)
    assert read_cuhk03_pair1(folder).splits == read_cuhk03_pair1(folder.parent).splits


def test_without_the_lists_only_random_splits_can_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"new protocol of CUHK03 was not found(.*\n)+.*lists/cuhk03 does not exist"
    ):
        read_cuhk03_pair1(folder)
    with pytest.raises(ValueError, match="cuhk03-pair1#1 train: found 2 people, but the dataset has 500 people"):
        read_cuhk03_pair1(folder, split=1)  # of which 500 train
    monkeypatch.setattr(cuhk03_pair1, "_TRAINING_PEOPLE", 1)
    monkeypatch.setattr(cuhk03_pair1, "_RANDOM_COUNTS", {"train": {"people": 1}, "query": {"people": 1}})
    splits = [read_cuhk03_pair1(folder, split=split) for split in range(1, 11)]
    assert {split.name for split in splits} == {f"cuhk03-pair1#{k}" for k in range(1, 11)}
    assert {split.query[0].pid for split in splits} == {1, 2}
    tested = next(split for split in splits if split.query[0].pid == 2)
    assert names(tested)["query"] == QUERY[:2]  # the first of each camera
    assert names(tested)["gallery"] == ["1_002_1_02", "1_002_2_07", "1_002_2_09"]
    with pytest.raises(
        ValueError, match="cuhk03-pair1#11 does not exist; choose from cuhk03-pair1#1 to cuhk03-pair1#10"
    ):
        read_cuhk03_pair1(folder, split=11)


def test_all_people_as_people_to_find(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any list."""
    with pytest.raises(ValueError, match="cuhk03-pair1-all query: found 2 people, 4 images, .* has 843 people, 1,686"):
        read_cuhk03_pair1_all(folder)
    monkeypatch.setattr(cuhk03_pair1, "_ALL_COUNTS", {"query": {"people": 2}, "gallery": {"people": 1}})
    dataset = read_cuhk03_pair1_all(folder.parent)
    assert dataset.name == "cuhk03-pair1-all"
    assert names(dataset) == {
        "train": [],
        "query": [*TRAIN[:2], *QUERY[:2]],
        "gallery": ["1_002_1_02", "1_002_2_07", "1_002_2_09"],
    }
    assert dataset.left_out == {"files in images_detected that are not .jpg": 1}


def test_images_of_other_pairs_are_named(folder: Path) -> None:
    (folder / "images_detected" / "2_001_1_01.jpg").touch()
    with pytest.raises(ValueError, match=r"2_001_1_01\.jpg: not a CUHK03 \(first pair\) file name"):
        read_cuhk03_pair1(folder)


@pytest.mark.data
def test_counts_are_the_documented_ones(data_root: Path) -> None:
    dataset = read_cuhk03_pair1(data_root)
    assert dataset.counts() == {
        "train": Counts(427, 4_145, 2),
        "query": Counts(416, 832, 2),
        "gallery": Counts(416, 3_197, 2),
    }
    assert set(dataset.left_out.values()) == {3}
    assert not {r.pid for r in dataset.train} & {r.pid for r in dataset.query}
    everyone = read_cuhk03_pair1_all(data_root).counts()
    assert everyone == {"train": Counts(0, 0, 0), "query": Counts(843, 1_686, 2), "gallery": Counts(843, 6_491, 2)}
    for split in (1, 10):
        drawn = read_cuhk03_pair1(data_root, split=split)
        assert drawn.counts()["query"] == Counts(343, 686, 2)
        assert sum(map(len, drawn.splits.values())) == 8_177
    tested = sorted({r.pid for r in read_cuhk03_pair1(data_root, split=1).query})
    assert tested[:5] == [2, 3, 4, 5, 13]  # as drawn once: scores would mean something else if this changed
