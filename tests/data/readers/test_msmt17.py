import shutil
from pathlib import Path

import pytest

from scalereid.data.combined import combine
from scalereid.data.readers import msmt17
from scalereid.data.readers.msmt17 import read_msmt17, read_msmt17_all, read_msmt17_with_validation
from scalereid.data.records import Counts, labels

LINES = {
    "train": ["0000/0000_045_12_0303morning_0006_2.jpg 0", "0001/0001_046_02_0303morning_0006_2_ex.jpg 1"],
    "val": ["0000/0000_013_04_0303morning_0020_2.jpg 0"],
    "query": ["0000/0000_000_01_0303morning_0015_0.jpg 0"],
    "gallery": ["0000/0000_008_03_0303morning_0019_2.jpg 0", "0001/0001_009_15_0303noon_0019_2.jpg 1"],
}


@pytest.fixture(params=[("mask_train_v2", "mask_test_v2"), ("train", "test")])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both versions' layout with a few images."""
    for name, lines in LINES.items():
        (tmp_path / f"list_{name}.txt").write_text("\n".join(lines) + "\n")
    for folder in request.param:
        (tmp_path / folder).mkdir()
    counts = {
        "train": {"people": 2, "images": 2, "cameras": 2},
        "query": {"people": 1, "images": 1, "cameras": 1},
        "gallery": {"people": 2, "images": 2, "cameras": 2},
    }
    monkeypatch.setattr(msmt17, "_COUNTS", counts)
    monkeypatch.setattr(msmt17, "_WITH_VALIDATION", {"people": 2, "images": 3, "cameras": 3})
    monkeypatch.setattr(msmt17, "_ALL", {"people": 4, "images": 6, "cameras": 6})
    monkeypatch.setattr(msmt17, "_TRAINING_PEOPLE", 2)
    return tmp_path


def test_lists_become_records(root: Path) -> None:
    dataset = read_msmt17(root)
    assert [(r.pid, r.camid) for r in dataset.train] == [(1, 12), (2, 2)]  # from 1 on
    assert [(r.pid, r.camid) for r in dataset.query] == [(3, 1)]  # behind the training people
    assert [(r.pid, r.camid) for r in dataset.gallery] == [(3, 3), (4, 15)]
    assert dataset.train[0].path.relative_to(root).parts[1:] == ("0000", "0000_045_12_0303morning_0006_2.jpg")
    assert {r.path.relative_to(root).parts[0] for r in dataset.query} <= {"mask_test_v2", "test"}


def test_with_validation_and_all(root: Path) -> None:
    assert len(read_msmt17_with_validation(root).train) == 3
    everything = read_msmt17_all(root)
    assert (len(everything.train), everything.query, everything.gallery) == (6, (), ())
    assert labels(everything.train).tolist() == [0, 1, 0, 2, 2, 3]
    with pytest.raises(
        ValueError, match="is a training image of both msmt17-all and msmt17, and would be learned as two"
    ):
        combine([everything, read_msmt17(root)])


def test_what_is_wrong_is_named(root: Path) -> None:
    (root / "list_query.txt").write_text("0000/person.jpg 0\n")
    with pytest.raises(ValueError, match=r"list_query\.txt, line 1: '0000/person\.jpg 0' is not an image of MSMT17"):
        read_msmt17(root)
    (root / "list_query.txt").write_text("\n".join(LINES["query"] * 2))
    with pytest.raises(
        ValueError, match="msmt17 query: found 1 people, 2 images, 1 cameras, but the dataset has 1 people, 1 images"
    ):
        read_msmt17(root)
    (root / "list_query.txt").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"MSMT17 was not found:\n.* lacks list_query\.txt\n.*MSMT17_V2 does not exist"
    ):
        read_msmt17(root)


def test_missing_folder_is_named(root: Path) -> None:
    for folder in ("mask_test_v2", "test"):
        shutil.rmtree(root / folder, ignore_errors=True)
    with pytest.raises(FileNotFoundError, match=r"neither mask_test_v2 \(version 2\) nor test \(version 1\)"):
        read_msmt17(root)


@pytest.mark.slow  # makes tens of thousands of files
@pytest.mark.data
def test_official_lists(data_root: Path, tmp_path: Path) -> None:
    base = tmp_path / "MSMT17_V1"
    shutil.copytree(data_root / "lists" / "msmt17", base)
    for folder in ("train", "test"):
        (base / folder).mkdir()
    counts = read_msmt17(tmp_path).counts()
    assert counts["train"] == Counts(1041, 30_248, 15)
    assert counts["gallery"] == Counts(3060, 82_161, 15)
    assert read_msmt17_with_validation(tmp_path).counts()["train"] == Counts(1041, 32_621, 15)
    assert read_msmt17_all(tmp_path).counts()["train"] == Counts(4101, 126_441, 15)
