import csv
from pathlib import Path

import pytest

from scalereid.data.readers import market1501
from scalereid.data.readers.market1501 import (
    read_market1501,
    read_market1501_500k,
    read_market1501_all,
    read_market1501_dev,
    read_market1501_dev_cameras,
)
from scalereid.data.records import Counts, ReidDataset


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Market-1501's layout with a few empty files of the real name pattern."""
    names = {
        "bounding_box_train": ["0002_c1s1_000451_03.jpg", "0002_c2s1_000301_01.jpg", "0007_c3s3_077419_03.jpg"],
        "query": ["0001_c1s1_001051_00.jpg"],
        "bounding_box_test": ["-1_c1s1_000401_03.jpg", "0000_c1s1_000151_01.jpg", "0001_c2s1_000301_00.jpg"],
    }
    root = tmp_path / "Market-1501-v15.09.15"
    for split, files in names.items():
        (root / split).mkdir(parents=True)
        for name in [*files, "Thumbs.db"]:
            (root / split / name).touch()
    return root


@pytest.fixture
def small_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {
        "train": {"people": 2, "images": 3, "cameras": 3},
        "query": {"people": 1, "images": 1, "cameras": 1},
        "gallery": {"people": 2, "images": 2, "cameras": 2},
    }
    monkeypatch.setattr(market1501, "_PUBLISHED", counts)


@pytest.mark.usefixtures("small_counts")
def test_reads_names_drops_junk_keeps_distractors(folder: Path) -> None:
    dataset = read_market1501(folder)
    assert [(r.path.name, r.pid, r.camid) for r in dataset.train] == [
        ("0002_c1s1_000451_03.jpg", 2, 1),
        ("0002_c2s1_000301_01.jpg", 2, 2),
        ("0007_c3s3_077419_03.jpg", 7, 3),
    ]
    assert [(r.pid, r.camid) for r in dataset.gallery] == [(0, 1), (1, 2)]
    assert dataset.left_out == {
        "junk (pid −1) in bounding_box_test": 1,
        "files in bounding_box_train that are not .jpg": 1,
        "files in query that are not .jpg": 1,
        "files in bounding_box_test that are not .jpg": 1,
    }


@pytest.mark.usefixtures("small_counts")
def test_distractors_beside_it_make_the_gallery_larger(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has neither images nor distractors, the folder of the 500,000"):
        read_market1501_500k(folder)
    (folder / "images").mkdir()
    with pytest.raises(FileNotFoundError, match="contains no distractors"):
        read_market1501_500k(folder)
    for name in ("0000_c5s1_000151_01.jpg", "00000000_c6s2_1.jpg", "-1_c1s1_000001_01.jpg"):
        (folder / "images" / name).touch()
    dataset = read_market1501_500k(folder)
    assert [(r.pid, r.camid) for r in dataset.gallery] == [(0, 1), (1, 2), (0, 6), (0, 5)]
    assert dataset.left_out["junk (pid −1) in images"] == 1
    (folder / "images" / "0001_c1s1_000151_01.jpg").touch()
    with pytest.raises(ValueError, match="not a Market-1501 distractor file name"):
        read_market1501_500k(folder)


def test_development_splits_take_the_first_people_for_training(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = folder / "bounding_box_train"
    for name in (
        "c1s1_000001_01",
        "c1s1_000002_01",
        "c4s1_000001_01",
        "c4s1_000002_01",
        "c4s2_000001_01",
        "c5s1_000001_01",
    ):
        (train / f"0009_{name}.jpg").touch()
    with pytest.raises(ValueError, match="market1501-dev train: found 3 people, 9 images"):
        read_market1501_dev(folder)  # of which the first 600 train
    monkeypatch.setattr(market1501, "_DEV_TRAINING_PEOPLE", 2)
    monkeypatch.setattr(market1501, "_DEV_COUNTS", {"train": {"people": 2}, "query": {"people": 1}})
    dataset = read_market1501_dev(folder)
    assert [(r.pid, r.camid) for r in dataset.train] == [(2, 1), (2, 2), (7, 3)]
    assert [r.path.name[5:] for r in dataset.query] == [
        "c1s1_000001_01.jpg",
        "c4s1_000001_01.jpg",
        "c5s1_000001_01.jpg",
    ]
    assert [r.path.name[5:] for r in dataset.gallery] == [
        "c1s1_000002_01.jpg",
        "c4s1_000002_01.jpg",
        "c4s2_000001_01.jpg",
    ]
    cameras = read_market1501_dev_cameras(folder)
    assert cameras.train == dataset.train  # all from cameras 1 to 3
    assert [r.camid for r in cameras.query] == [4, 5]
    assert [r.camid for r in cameras.gallery] == [4, 4]


def test_all_training_people_as_people_to_find(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "bounding_box_train" / "0007_c3s3_077420_01.jpg").touch()
    with pytest.raises(
        ValueError, match="market1501-all query: found 2 people, 3 images, .* has 751 people, 3,262 images"
    ):
        read_market1501_all(folder)
    monkeypatch.setattr(market1501, "_ALL_COUNTS", {"query": {"people": 2}, "gallery": {"people": 1}})
    dataset = read_market1501_all(folder)
    assert dataset.train == ()
    assert [(r.pid, r.camid) for r in dataset.query] == [(2, 1), (2, 2), (7, 3)]
    assert [r.path.name for r in dataset.gallery] == ["0007_c3s3_077420_01.jpg"]


@pytest.mark.usefixtures("small_counts")
def test_finds_the_folder_from_above(folder: Path, tmp_path: Path) -> None:
    assert read_market1501(tmp_path).root == read_market1501(folder).root == folder


def test_wrong_counts_are_named(folder: Path) -> None:
    with pytest.raises(
        ValueError, match="market1501 train: found 2 people, 3 images, .* the dataset has 751 people, 12,936 images"
    ):
        read_market1501(folder)


def test_foreign_name_is_named(folder: Path) -> None:
    (folder / "query" / "person.jpg").touch()
    with pytest.raises(ValueError, match=r"person\.jpg: not a Market-1501 file name"):
        read_market1501(folder)


def test_missing_folder_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"lacks bounding_box_train, query, bounding_box_test\n.* does not exist"
    ):
        read_market1501(tmp_path)
    (tmp_path / "bounding_box_train").mkdir()
    with pytest.raises(FileNotFoundError, match=r"lacks query, bounding_box_test\n(.*\n)+.*use market1501-dev"):
        read_market1501(tmp_path)


@pytest.mark.slow  # makes tens of thousands of files
@pytest.mark.data
def test_official_names_give_the_published_counts(data_root: Path, tmp_path: Path) -> None:
    """Empty files with all official names, junk and distractors among them."""
    lists = data_root / "lists" / "market1501"
    for split, listing in (("bounding_box_train", "train"), ("query", "query"), ("bounding_box_test", "test")):
        (tmp_path / split).mkdir()
        with (lists / f"market1501_{listing}.csv").open(newline="") as lines:
            names = [Path(cell).name for row in csv.reader(lines) for cell in row if cell.endswith(".jpg")]
        for name in names:
            (tmp_path / split / name).touch()
    counts = read_market1501(tmp_path).counts()
    assert counts["gallery"] == Counts(751, 15_913, 6)
    assert counts["query"] == Counts(750, 3_368, 6)


@pytest.mark.data
def test_development_split_is_the_documented_one(data_root: Path) -> None:
    dataset: ReidDataset = read_market1501_dev(data_root)
    assert {split: counts.images for split, counts in dataset.counts().items()} == {
        "train": 10_652,
        "query": 669,
        "gallery": 1_615,
    }
    assert min(r.pid for r in dataset.query) == 1158
    assert not {r.pid for r in dataset.train} & {r.pid for r in dataset.query}
    seen_elsewhere = {(r.pid, r.camid) for r in dataset.gallery}
    matched = [q for q in dataset.query if any(pid == q.pid and camid != q.camid for pid, camid in seen_elsewhere)]
    assert len(matched) == 663


@pytest.mark.data
def test_all_training_people_are_the_documented_ones(data_root: Path) -> None:
    dataset = read_market1501_all(data_root)
    assert [counts.images for counts in dataset.counts().values()] == [0, 3_262, 9_674]
    development = read_market1501_dev(data_root)
    assert set(development.query) < set(dataset.query)
    assert set(development.gallery) < set(dataset.gallery)
