from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from scalereid.data.readers import mars
from scalereid.data.readers.mars import read_mars
from scalereid.data.records import one_per_tracklet


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The authors' lists in small: two training tracklets; a query, a match, a distractor, junk."""
    base = tmp_path / "mars"
    for folder in ("bbox_train", "bbox_test", "info"):
        (base / folder).mkdir(parents=True)
    train = [f"0001C1T0001F00{i}.jpg" for i in (1, 2, 3)] + [f"0005C2T0001F00{i}.jpg" for i in (1, 2)]
    test = [
        "0002C1T0001F001.jpg",
        "0002C1T0001F002.jpg",
        "0002C3T0001F001.jpg",
        "0000C2T0001F001.jpg",
        "00-1C2T0001F001.jpg",
    ]
    (base / "info" / "train_name.txt").write_text("\n".join(train) + "\n")
    (base / "info" / "test_name.txt").write_text("\n".join(test) + "\n")
    savemat(base / "info" / "tracks_train_info.mat", {"track_train_info": np.array([[1, 3, 1, 1], [4, 5, 5, 2]])})
    tested = np.array([[1, 2, 2, 1], [3, 3, 2, 3], [4, 4, 0, 2], [5, 5, -1, 2]])
    savemat(base / "info" / "tracks_test_info.mat", {"track_test_info": tested})
    savemat(base / "info" / "query_IDX.mat", {"query_IDX": np.array([[1]])})
    monkeypatch.setattr(mars, "_PUBLISHED", {"train": {"tracklets": 2}, "gallery": {"people": 2, "tracklets": 2}})
    return tmp_path


def test_tracklets(root: Path) -> None:
    dataset = read_mars(root)
    assert [(r.pid, r.camid, r.tracklet) for r in dataset.train] == [(1, 1, 1)] * 3 + [(5, 2, 4)] * 2
    assert dataset.train[3].path == root / "mars" / "bbox_train" / "0005" / "0005C2T0001F001.jpg"
    assert [(r.pid, r.camid) for r in one_per_tracklet(dataset.query)] == [(2, 1)]
    assert [(r.pid, r.camid) for r in one_per_tracklet(dataset.gallery)] == [(2, 3), (0, 2)]
    assert dataset.left_out == {"junk tracklets (pid −1) in bbox_test": 1}


def test_what_is_wrong_is_named(root: Path) -> None:
    info = root / "mars" / "info"
    savemat(info / "tracks_train_info.mat", {"track_train_info": np.array([[1, 4, 1, 1], [4, 5, 5, 2]])})
    with pytest.raises(ValueError, match="images 1 to 4 of bbox_train are not of one person from one camera"):
        read_mars(root)
    savemat(info / "query_IDX.mat", {"query_IDX": np.array([[1, 7]])})  # of four tracklets
    savemat(info / "tracks_train_info.mat", {"track_train_info": np.array([[1, 3, 1, 1]])})
    with pytest.raises(ValueError, match="mars train: found 1 tracklets, but the dataset has 2"):
        read_mars(root)
    savemat(info / "tracks_train_info.mat", {"track_train_info": np.array([[1, 3, 1]])})
    with pytest.raises(ValueError, match=r"tracks_train_info\.mat does not contain track_train_info as the authors"):
        read_mars(root)
    savemat(info / "tracks_train_info.mat", {"other": np.zeros(2)})
    with pytest.raises(ValueError, match="does not contain track_train_info"):
        read_mars(root)
    (info / "test_name.txt").write_text("me.jpg\n")
    with pytest.raises(ValueError, match=r"'me\.jpg' is not an image of MARS"):
        read_mars(root)
    (info / "query_IDX.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks info/query_IDX\.mat"):
        read_mars(root)
