from pathlib import Path

import pytest

from scalereid.data.readers.market_names import read_market_names
from tests.data.readers.files import touch


def test_folders_under_any_of_their_names(tmp_path: Path) -> None:
    touch(tmp_path / "bounding_box_train", ["0001_c1_0.png", "0002_c12s1_000.JPG"])
    touch(tmp_path / "Probe", ["7_c2_ä.jpeg", "._7_c2_ä.jpeg"])  # macOS leaves such
    (tmp_path / "Probe" / "8_c1.jpg").symlink_to("nowhere.jpg")
    touch(tmp_path / "test", ["-1_c1_0.jpg", "0000_c1_0.jpg", "0007_c3_0.jpg", "Thumbs.db"])
    dataset = read_market_names(tmp_path)
    assert [(r.pid, r.camid) for r in dataset.train] == [(1, 1), (2, 12)]
    assert [(r.pid, r.camid, r.path.name) for r in dataset.query] == [(7, 2, "7_c2_ä.jpeg")]
    assert [r.pid for r in dataset.gallery] == [0, 7]
    assert sorted(dataset.left_out.values()) == [1, 1, 1, 1]
    assert dataset.left_out["files in Probe that are not images"] == 1
    assert dataset.left_out["broken links in Probe"] == 1
    assert dataset.left_out["junk (pid −1) in test"] == 1


def test_no_folders_is_training(tmp_path: Path) -> None:
    touch(tmp_path, ["0001_c1_0.png"])
    dataset = read_market_names(tmp_path)
    assert (len(dataset.train), dataset.query, dataset.gallery) == (1, (), ())


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="contains no images, nor do folders train, query and gallery"):
        read_market_names(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        read_market_names(tmp_path / "nowhere")
    touch(tmp_path / "train", ["anna.jpg"])
    with pytest.raises(
        ValueError, match=r"anna\.jpg: not a Market-1501-like file name, which looks like 0042_c3_0001\.jpg"
    ):
        read_market_names(tmp_path)
    touch(tmp_path / "bounding_box_train", ["0001_c1.jpg"])
    with pytest.raises(
        ValueError, match="contains bounding_box_train and train, which are both names of the train split"
    ):
        read_market_names(tmp_path)


@pytest.mark.parametrize(
    "name", ["0000000000000000000000001_c1_0.jpg", "1_c12345_0.jpg", "18446744073709551616_c1.jpg"]
)
def test_numbers_of_many_digits_are_named(tmp_path: Path, name: str) -> None:
    touch(tmp_path / "train", [name])
    with pytest.raises(
        ValueError, match=f"{name}: not a Market-1501-like file name, which looks like 0042_c3_0001.jpg"
    ):
        read_market_names(tmp_path)
