from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from scalereid.data.readers.ilids_vid import read_ilids_vid
from scalereid.data.records import one_per_tracklet
from tests.data.readers.files import touch

SPLITS = "train-test people splits"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    people = [pid for pid in range(1, 321) if pid % 16]  # 300, numbered with gaps, as theirs
    for pid in people:
        for camid in (1, 2):
            folder = tmp_path / "i-LIDS-VID" / "sequences" / f"cam{camid}" / f"person{pid:03d}"
            touch(folder, [f"cam{camid}_person{pid:03d}_0000{i}.png" for i in (1, 2)])
    (tmp_path / SPLITS).mkdir()
    table = np.stack([np.roll(np.arange(1, 301), split) for split in range(10)])
    savemat(tmp_path / SPLITS / "train_test_splits_ilidsvid.mat", {"ls_set": table})
    return tmp_path


def test_the_first_half_of_a_row_is_found(root: Path) -> None:
    dataset = read_ilids_vid(root, split=1)
    found = sorted({r.pid for r in dataset.query})
    assert max(found) < min(r.pid for r in dataset.train)
    assert len(one_per_tracklet(dataset.gallery)) == 150
    assert len(dataset.train) == 150 * 2 * 2
    assert {r.pid for r in read_ilids_vid(root, split=2).query} == {*found[:-1], 319}


def test_what_is_wrong_is_named(root: Path) -> None:
    with pytest.raises(ValueError, match="ilids-vid#11 does not exist; choose from ilids-vid#1 to ilids-vid#10"):
        read_ilids_vid(root, split=11)
    empty = root / "i-LIDS-VID" / "sequences" / "cam2" / "person001"
    for frame in empty.iterdir():
        frame.unlink()
    with pytest.raises(FileNotFoundError, match=r"cam2/person001 contains no frames \(\.png\)"):
        read_ilids_vid(root)
    empty.rmdir()
    with pytest.raises(ValueError, match="the people in cam1 and cam2 of .* differ"):
        read_ilids_vid(root)
