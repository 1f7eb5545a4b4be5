import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from scalereid.data.readers import cuhk03
from scalereid.data.readers.cuhk03 import (
    read_cuhk03_classic_detected,
    read_cuhk03_classic_labelled,
    read_cuhk03_detected,
    read_cuhk03_labelled,
)
from scalereid.data.readers.cuhk03_mat import unpack_cuhk03
from scalereid.data.records import Counts, one_per_tracklet
from tests.data.readers.files import touch

PEOPLE = (4, 2, 1, 1, 1)  # of each pair of cameras, in place of 843, 440, 77, 58, 49


def write_mat(file: Path) -> None:
    """A file built as the authors': cells of cells of images, stored as HDF5 references, columns first."""
    with h5py.File(file, "w") as mat:

        def reference(values: np.ndarray) -> h5py.Reference:
            name = f"#refs#/{len(mat['#refs#']) if '#refs#' in mat else 0}"
            return mat.create_dataset(name, data=values, dtype=values.dtype).ref

        def image(pair: int, person: int, number: int) -> np.ndarray:
            if person == 1 and number == 7:
                return np.zeros(2, dtype=np.uint64)  # as MATLAB writes an empty cell
            pixels = np.full((6, 3, 3), 10 * pair, dtype=np.uint8)
            pixels[0, :, 0] = 20 * number
            return pixels.T

        def cells(rows: list[list[h5py.Reference]]) -> np.ndarray:
            return np.array(rows, dtype=h5py.ref_dtype)

        for boxes in ("detected", "labeled"):
            pairs = []
            for pair, people in enumerate(PEOPLE, start=1):
                rows = [[reference(image(pair, p, n)) for p in range(1, people + 1)] for n in range(1, 11)]
                pairs.append(reference(cells(rows)))
            mat.create_dataset(boxes, data=cells([pairs]), dtype=h5py.ref_dtype)
        sets = [reference(np.array([[1, 1], [1, 2 + split % 2]], dtype=float)) for split in range(20)]
        mat.create_dataset("testsets", data=cells([sets]), dtype=h5py.ref_dtype)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    (root / "cuhk03" / "cuhk03_release").mkdir(parents=True)
    write_mat(root / "cuhk03" / "cuhk03_release" / "cuhk-03.mat")
    done: list[int] = []
    assert unpack_cuhk03(root, done.append) == root / "cuhk03"
    assert sum(done) == 2 * (9 * 10 - 5)
    return root


def test_unpacked_images(unpacked: Path) -> None:
    folder = unpacked / "cuhk03" / "images_labeled"
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 85
    assert names[:7] == [
        f"1_001_{1 if i < 6 else 2}_{i:02d}.png" for i in (1, 2, 3, 4, 5, 6, 8)
    ]  # the empty cell is none
    with Image.open(folder / "2_001_2_06.png") as image:
        assert image.size == (3, 6)  # width, height
        assert np.asarray(image)[0, 0].tolist() == [120, 20, 20]
        assert np.asarray(image)[5, 2].tolist() == [20, 20, 20]


def test_unpacking_again_changes_nothing(unpacked: Path) -> None:
    done: list[int] = []
    unpack_cuhk03(unpacked / "cuhk03", done.append)
    assert done == []


def test_classic_splits(unpacked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="7 people, but the dataset has 1,367 people"):
        read_cuhk03_classic_detected(unpacked, split=1)
    monkeypatch.setattr(cuhk03, "_PUBLISHED_CLASSIC", {"train": {"people": 7}, "gallery": {"people": 2}})
    dataset = read_cuhk03_classic_labelled(unpacked, split=2)
    assert dataset.name == "cuhk03-classic-labelled#2"
    assert dataset.protocol == "single-gallery-shot"
    assert {r.pid for r in dataset.query} == {1001, 1003}
    assert dataset.query == dataset.gallery
    assert {r.pid for r in dataset.train} == {1002, 1004, 2001, 2002, 3001, 4001, 5001}
    assert {r.camid for r in dataset.query if r.path.name.endswith("_06.png")} == {2}
    with pytest.raises(ValueError, match="its splits are cuhk03-classic-detected#1 to cuhk03-classic-detected#20"):
        read_cuhk03_classic_detected(unpacked, split=21)


def test_packed_data_says_how_to_unpack(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="scalereid data unpack"):
        read_cuhk03_detected(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"lacks cuhk-03\.mat"):
        unpack_cuhk03(tmp_path)
    (tmp_path / "cuhk-03.mat").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"cannot be read as a MATLAB 7\.3 file"):
        unpack_cuhk03(tmp_path)
    with h5py.File(tmp_path / "cuhk-03.mat", "w") as mat:
        mat["other"] = 1
    with pytest.raises(ValueError, match="is not CUHK03 as its authors packed it"):
        unpack_cuhk03(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cuhk-03.mat"]  # nothing half done is left


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
