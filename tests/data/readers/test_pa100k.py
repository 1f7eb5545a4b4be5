from pathlib import Path

import numpy as np
import pytest

from scalereid.attributes import read_attributes
from scalereid.attributes.table import positive_shares
from scalereid.data.readers import pa100k
from scalereid.data.readers.pa100k import read_pa100k, read_pa100k_validation

scipy_io = pytest.importorskip("scipy.io", reason="the matlab extra is not installed")
COUNTS = {"train": 4, "val": 2, "test": 3}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder laid out as the dataset is, with nine empty images."""
    monkeypatch.setattr(pa100k, "_COUNTS", COUNTS)
    base = tmp_path / "PA-100K"
    (base / "release_data").mkdir(parents=True)
    names = [f"{number:06}.jpg" for number in range(1, 10)]
    for name in names:
        (base / "release_data" / name).touch()
    variables: dict[str, object] = {"attributes": np.array([f"A{i}" for i in range(26)], object)[:, None]}
    start = 0
    for split, number in COUNTS.items():
        variables[f"{split}_images_name"] = np.array(names[start : start + number], object)[:, None]
        variables[f"{split}_label"] = np.eye(26, dtype=np.uint8)[start : start + number]
        start += number
    scipy_io.savemat(str(base / "annotation.mat"), variables)
    return tmp_path


def test_the_official_split(root: Path) -> None:
    dataset = read_pa100k(root)
    assert [record.path.name for record in dataset.train] == [f"00000{i}.jpg" for i in (1, 2, 3, 4)]
    assert [record.pid for record in dataset.gallery] == [7, 8, 9]
    assert dataset.query == ()
    assert dataset.left_out == {"images of the validation split": 2}
    validation = read_pa100k_validation(root / "PA-100K")
    assert [record.pid for record in validation.gallery] == [5, 6]
    assert validation.train == dataset.train
    assert validation.left_out == {"images of the test split": 3}


def test_each_image_has_its_attributes(root: Path) -> None:
    table = read_attributes("pa100k", root)
    assert table.names == tuple(f"A{i}" for i in range(26))
    assert table.of(read_pa100k(root).gallery).values.argmax(axis=1).tolist() == [6, 7, 8]
    assert table.of(read_pa100k_validation(root).gallery).values.argmax(axis=1).tolist() == [4, 5]
    assert not table.by_person  # so that a model which learned on the training images is scored on either split


def test_what_is_missing_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "PA-100K" / "release_data" / "000002.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"000002\.jpg does not exist, as 1 of the 4 train images"):
        read_pa100k(root)
    (root / "PA-100K" / "release_data" / "000002.jpg").touch()
    monkeypatch.setattr(pa100k, "_COUNTS", COUNTS | {"val": 10_000})
    with pytest.raises(ValueError, match="lists 2 val images, not 10,000"):
        read_pa100k(root)
    scipy_io.savemat(str(root / "PA-100K" / "annotation.mat"), {"attributes": 1})
    with pytest.raises(ValueError, match="is not PA-100K's annotation: it has no test_images_name"):
        read_pa100k(root)
    parts = ["attributes", *(f"{split}_{part}" for split in COUNTS for part in ("images_name", "label"))]
    scipy_io.savemat(str(root / "PA-100K" / "annotation.mat"), dict.fromkeys(parts, np.zeros((3, 1))))
    with pytest.raises(ValueError, match=r"annotation\.mat is not PA-100K's annotation as its authors wrote it"):
        read_pa100k(root)
    with pytest.raises(ValueError, match=r"annotation\.mat is not PA-100K's annotation as its authors wrote it"):
        read_attributes("pa100k", root)


def test_a_name_of_something_else() -> None:
    with pytest.raises(ValueError, match=r"'1\.jpg' is not a PA-100K file name"):
        pa100k.image_number("1.jpg")


@pytest.mark.slow
def test_the_real_annotation_on_empty_files(data_root: Path, tmp_path: Path) -> None:
    (tmp_path / "annotation.mat").symlink_to(data_root / "attributes" / "PA100K_annotation.mat")
    (tmp_path / "data").mkdir()
    for number in range(1, 100_001):
        (tmp_path / "data" / f"{number:06}.jpg").touch()
    dataset = read_pa100k(tmp_path)
    assert [len(records) for records in dataset.splits.values()] == [80_000, 0, 10_000]
    labels = read_attributes("pa100k", tmp_path).of(dataset.train)
    shares = dict(zip(labels.names, positive_shares(labels.values).round(4).tolist(), strict=True))
    assert (len(shares), shares["Female"], shares["Hat"], shares["boots"]) == (26, 0.4562, 0.044, 0.0062)
