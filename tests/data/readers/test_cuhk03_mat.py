import csv
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from scalereid.data.readers.cuhk03_mat import unpack_cuhk03

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


def test_classic_test_sets(unpacked: Path) -> None:
    with (unpacked / "cuhk03" / "classic_test_sets.csv").open(newline="") as lines:
        rows = [(row["split"], row["pair"], row["person"]) for row in csv.DictReader(lines)]
    assert rows[:4] == [("1", "1", "1"), ("1", "1", "2"), ("2", "1", "1"), ("2", "1", "3")]
    assert len(rows) == 40


def test_other_files_are_named_and_nothing_half_done_is_left(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"lacks cuhk-03\.mat"):
        unpack_cuhk03(tmp_path)
    (tmp_path / "cuhk-03.mat").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"cannot be read as a MATLAB 7\.3 file"):
        unpack_cuhk03(tmp_path)
    with h5py.File(tmp_path / "cuhk-03.mat", "w") as mat:
        mat["other"] = 1
    with pytest.raises(ValueError, match="is not CUHK03 as its authors packed it"):
        unpack_cuhk03(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["cuhk-03.mat"]


def test_an_interrupted_unpacking_is_done_again(tmp_path: Path) -> None:
    write_mat(tmp_path / "cuhk-03.mat")

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack_cuhk03(tmp_path, stop)
    assert [path.name for path in tmp_path.iterdir()] == ["cuhk-03.mat"]
    done: list[int] = []
    unpack_cuhk03(tmp_path, done.append)
    assert sum(done) == 2 * (9 * 10 - 5)
