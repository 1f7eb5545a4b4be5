from pathlib import Path

import pytest

from scalereid.data.readers import dukemtmc_reid
from scalereid.data.readers.dukemtmc_reid import read_dukemtmc_reid


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = {
        "bounding_box_train": ["0001_c2_f0046182.jpg", "0001_c1_f0046302.jpg", "0019_c5_f0052839.jpg"],
        "query": ["0005_c2_f0046985.jpg"],
        "bounding_box_test": ["0002_c1_f0044158.jpg", "0005_c8_f0046985.jpg"],
    }
    for folder, files in names.items():
        (tmp_path / "DukeMTMC-reID" / folder).mkdir(parents=True)
        for file in files:
            (tmp_path / "DukeMTMC-reID" / folder / file).touch()
    counts = {
        "train": {"people": 2, "images": 3, "cameras": 3},
        "query": {"people": 1, "images": 1, "cameras": 1},
        "gallery": {"people": 2, "images": 2, "cameras": 2},
    }
    monkeypatch.setattr(dukemtmc_reid, "_PUBLISHED", counts)
    return tmp_path


def test_names_become_records_and_its_withdrawal_is_said(root: Path) -> None:
    with pytest.warns(UserWarning, match="was withdrawn by its authors"):
        dataset = read_dukemtmc_reid(root)
    assert [(r.path.name, r.pid, r.camid) for r in dataset.train] == [
        ("0001_c1_f0046302.jpg", 1, 1),
        ("0001_c2_f0046182.jpg", 1, 2),
        ("0019_c5_f0052839.jpg", 19, 5),
    ]
    assert [(r.pid, r.camid) for r in dataset.gallery] == [(2, 1), (5, 8)]


def test_what_is_wrong_is_named(root: Path) -> None:
    (root / "DukeMTMC-reID" / "query" / "0005_c2s1_f1.jpg").touch()
    with pytest.raises(
        ValueError, match=r"0005_c2s1_f1\.jpg: not a DukeMTMC-reID file name, which looks like 0001_c2_f0046182"
    ):
        read_dukemtmc_reid(root)
    with pytest.raises(FileNotFoundError, match="DukeMTMC-reID was not found"):
        read_dukemtmc_reid(root / "elsewhere")
