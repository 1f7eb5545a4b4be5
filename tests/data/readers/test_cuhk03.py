import shutil
from pathlib import Path

import pytest

from scalereid.data.readers import cuhk03
from scalereid.data.readers.cuhk03 import (
    read_cuhk03_classic_detected,
    read_cuhk03_classic_labelled,
    read_cuhk03_detected,
    read_cuhk03_labelled,
)
from scalereid.data.records import Counts, one_per_tracklet
from tests.data.readers.files import touch

PEOPLE = (4, 2, 1, 1, 1)  # of each pair of cameras, in place of 843, 440, 77, 58, 49


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """What unpacking leaves: images of both kinds of boxes, and a table of test people, two in each split."""
    names = [
        f"{pair}_{person:03d}_{1 if number < 6 else 2}_{number:02d}.png"
        for pair, people in enumerate(PEOPLE, start=1)
        for person in range(1, people + 1)
        for number in (1, 2, 6)
    ]
    for folder in ("images_detected", "images_labeled"):
        touch(tmp_path / "cuhk03" / folder, names)
    rows = [f"{split},1,{person}" for split in range(1, 21) for person in (1, 2 + (split - 1) % 2)]
    (tmp_path / "cuhk03" / "classic_test_sets.csv").write_text("\n".join(["split,pair,person", *rows]) + "\n")
    return tmp_path


def test_classic_splits(unpacked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="found 7 people, but the dataset has 1,367 people"):
        read_cuhk03_classic_detected(unpacked, split=1)
    monkeypatch.setattr(cuhk03, "_PUBLISHED_CLASSIC", {"train": {"people": 7}, "gallery": {"people": 2}})
    dataset = read_cuhk03_classic_labelled(unpacked, split=2)
    assert dataset.name == "cuhk03-classic-labelled#2"
    assert dataset.protocol == "single-gallery-shot"
    assert {r.pid for r in dataset.query} == {1001, 1003}
    assert dataset.query == dataset.gallery
    assert {r.pid for r in dataset.train} == {1002, 1004, 2001, 2002, 3001, 4001, 5001}
    assert {r.camid for r in dataset.query if r.path.name.endswith("_06.png")} == {2}
    with pytest.raises(
        ValueError,
        match="cuhk03-classic-detected#21 does not exist; choose from cuhk03-classic-detected#1 to cuhk03-classic-detected#20",
    ):
        read_cuhk03_classic_detected(unpacked, split=21)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (b"split,pair\n1,1\n", r"test_sets\.csv has no column person"),
        (b"split,pair,person\n1,1\n", r"test_sets\.csv, line 2: person is None; it must be a whole number"),
        (b"split,pair,person\nx,1,1\n", r"test_sets\.csv, line 2: split is 'x'; it must be a whole number"),
        (b"\xff\xfe", r"test_sets\.csv is not UTF-8 text"),
    ],
)
def test_a_damaged_table_of_test_sets_is_named(tmp_path: Path, table: bytes, message: str) -> None:
    (tmp_path / "images_detected").mkdir()
    (tmp_path / "classic_test_sets.csv").write_bytes(table)
    with pytest.raises(ValueError, match=message):
        read_cuhk03_classic_detected(tmp_path)


def test_packed_data_says_that_it_must_be_unpacked(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"lacks images_detected, .*\n(.*\n)+.*cuhk-03\.mat, unpack it first"):
        read_cuhk03_detected(tmp_path)


@pytest.mark.data
def test_official_lists(data_root: Path, tmp_path: Path) -> None:
    shutil.copytree(data_root / "lists" / "cuhk03", tmp_path / "cuhk03")
    for boxes in ("detected", "labeled"):
        touch(tmp_path / "cuhk03" / f"images_{boxes}", [])
    detected, labelled = read_cuhk03_detected(tmp_path), read_cuhk03_labelled(tmp_path)
    assert detected.counts() == {
        "train": Counts(767, 7_365, 2),
        "query": Counts(700, 1_400, 2),
        "gallery": Counts(700, 5_332, 2),
    }
    assert labelled.counts()["train"] == Counts(767, 7_368, 2)
    assert labelled.counts()["gallery"] == Counts(700, 5_328, 2)
    first = detected.train[0]
    assert (first.path.name, first.pid, first.camid) == ("1_001_1_01.png", 1, 1)
    assert not {r.pid for r in detected.train} & {r.pid for r in detected.query}
    queries = {(r.pid, r.camid) for r in detected.query}
    assert len(queries) == 1_400  # one from each camera of everybody
    assert len(one_per_tracklet(detected.gallery)) == 5_332
