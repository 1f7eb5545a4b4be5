from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from scalereid.data.readers.grid import read_grid
from tests.data.readers.files import touch


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Names and partitions as in the authors' folder: a cell of structures whose third field are the training people."""
    base = tmp_path_factory.mktemp("data") / "grid" / "underground_reid"
    touch(base / "probe", [f"{pid:04d}_{1 + pid % 3}_25004_107_32_106_221.jpeg" for pid in range(1, 251)])
    known = [f"{pid:04d}_{4 + pid % 3}_25004_107_32_106_221.jpeg" for pid in range(1, 251)]
    touch(base / "gallery", known + [f"0000_{1 + i % 8}_{25000 + i}_1_2_3_4.jpeg" for i in range(775)])
    partitions = np.empty((1, 10), dtype=object)
    for split in range(10):
        people = np.arange(1 + split, 126 + split)[None]
        partitions[0, split] = {"a": np.zeros(1), "b": np.zeros(1), "trainIdx": people}
    savemat(base / "features_and_partitions.mat", {"trainIdxAll": partitions})
    return base.parent.parent


def test_the_authors_partitions(grid: Path) -> None:
    dataset = read_grid(grid, split=2)
    assert {r.pid for r in dataset.train} == set(range(2, 127))
    assert {r.pid for r in dataset.query} == {1, *range(127, 251)}
    assert len(dataset.gallery) == 900
    assert sum(r.pid == 0 for r in dataset.gallery) == 775
    assert {r.camid for r in dataset.query} == {1, 2, 3}


def test_what_is_wrong_is_named(grid: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="grid#0 does not exist; choose from grid#1 to grid#10"):
        read_grid(grid, split=0)
    base = grid / "grid" / "underground_reid"
    for folder in ("probe", "gallery"):
        (tmp_path / folder).symlink_to(base / folder)
    with pytest.raises(FileNotFoundError, match=r"lacks features_and_partitions\.mat"):
        read_grid(tmp_path)
    savemat(tmp_path / "features_and_partitions.mat", {"something": np.zeros(3)})
    with pytest.raises(ValueError, match="does not contain trainIdxAll"):
        read_grid(tmp_path)
    (tmp_path / "features_and_partitions.mat").write_bytes(b"no such thing")
    with pytest.raises(ValueError, match="cannot be read as a MATLAB file"):
        read_grid(tmp_path)
