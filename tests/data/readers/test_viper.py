import shutil
from pathlib import Path

import pytest

from scalereid.data.readers.viper import read_viper
from tests.data.readers.files import touch


@pytest.fixture(scope="module")
def viper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    pids = [pid for pid in range(1, 874) if pid % 4 or pid > 870][:632]  # with gaps, as theirs
    touch(root / "viper" / "VIPeR" / "cam_a", [f"{pid:03d}_45.bmp" for pid in pids] + ["Thumbs.db"])
    touch(root / "viper" / "VIPeR" / "cam_b", [f"{pid:03d}_90.bmp" for pid in pids])
    return root


def test_half_of_the_people_train_and_the_others_are_found(viper: Path) -> None:
    dataset = read_viper(viper, split=3)
    assert dataset.name == "viper#3"
    train, query, gallery = ({r.pid for r in records} for records in dataset.splits.values())
    assert query == gallery
    assert len(train) == len(query) == 316
    assert not train & query
    assert {r.camid for r in dataset.query} == {1}
    assert {r.camid for r in dataset.gallery} == {2}
    assert all(r.path.parent.name == {1: "cam_a", 2: "cam_b"}[r.camid] for r in dataset.train)
    assert dataset.left_out == {"files in cam_a that are not .bmp": 1}


def test_splits_differ_and_stay(viper: Path, tmp_path: Path) -> None:
    splits = [frozenset(r.pid for r in read_viper(viper, split=split).query) for split in range(1, 11)]
    assert len(set(splits)) == 10
    overlaps = [len(splits[0] & other) for other in splits[1:]]
    assert all(120 < overlap < 200 for overlap in overlaps)  # half of them, more or less: drawn independently
    assert sorted(splits[0])[:5] == [2, 3, 6, 7, 14]  # for ever: no split may change with a version
    copy = tmp_path / "elsewhere"
    shutil.copytree(viper / "viper" / "VIPeR", copy)
    assert {r.pid for r in read_viper(copy, split=1).query} == splits[0]


def test_what_is_wrong_is_named(viper: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="viper#11 does not exist; choose from viper#1 to viper#10"):
        read_viper(viper, split=11)
    with pytest.raises(FileNotFoundError, match=r"VIPeR was not found:\n.* lacks cam_a, cam_b"):
        read_viper(tmp_path)
    copy = tmp_path / "VIPeR"
    shutil.copytree(viper / "viper" / "VIPeR", copy)
    lost = next(copy.glob("cam_b/*.bmp"))
    lost.rename(copy / "cam_b" / "person.bmp")
    with pytest.raises(ValueError, match=r"person\.bmp: not a VIPeR file name, which looks like 001_45\.bmp"):
        read_viper(copy)
    (copy / "cam_b" / "person.bmp").unlink()
    with pytest.raises(ValueError, match="images, .* but the dataset has 316 people"):
        read_viper(copy)
