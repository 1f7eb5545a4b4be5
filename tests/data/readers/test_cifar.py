from pathlib import Path

import numpy as np
import pytest

from scalereid.data.images import load_image
from scalereid.data.readers import cifar
from scalereid.data.readers.cifar import read_cifar10, read_cifar100


def write(file: Path, labels: list[list[int]]) -> np.ndarray:
    pixels = np.random.default_rng(len(labels)).integers(0, 256, (len(labels), 3072), np.uint8)
    file.write_bytes(b"".join(bytes(label) + one.tobytes() for label, one in zip(labels, pixels, strict=True)))
    return pixels


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar, "_COUNTS", {"train": 10, "test": 2})
    monkeypatch.setattr(cifar, "_CIFAR10", cifar._CIFAR10._replace(classes=2))
    monkeypatch.setattr(cifar, "_CIFAR100", cifar._CIFAR100._replace(classes=2))


def test_the_authors_files_of_cifar10(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    (folder / "batches.meta.txt").write_text("cat\nbird\n\n")
    for number in range(1, 6):
        pixels = write(folder / f"data_batch_{number}.bin", [[0], [1]])
    write(folder / "test_batch.bin", [[1], [1]])
    dataset = read_cifar10(tmp_path)
    assert dataset.classes == ("bird", "cat")  # in the order of the names
    assert [record.pid for record in dataset.train] == [0] * 5 + [1] * 5
    assert [record.pid for record in dataset.gallery] == [0, 0]
    bird = np.asarray(load_image(dataset.train[4].path))
    np.testing.assert_array_equal(bird, pixels[1].reshape(3, 32, 32).transpose(1, 2, 0))
    assert len(dataset.fingerprint()) == 12
    (folder / "test_batch.bin").write_bytes(b"\0" * 3000)
    with pytest.raises(ValueError, match="has 3,000 bytes, not a multiple of 3,073"):
        read_cifar10(tmp_path)
    write(folder / "test_batch.bin", [[2]])
    with pytest.raises(ValueError, match="an image of class 2, but batches.meta.txt names 2 classes"):
        read_cifar10(tmp_path)
    write(folder / "test_batch.bin", [[1]])
    with pytest.raises(ValueError, match="2 classes, 10 training and 1 test images, but the dataset has 2 classes, 10"):
        read_cifar10(folder)


def test_the_fine_classes_of_cifar100(tmp_path: Path) -> None:
    (tmp_path / "fine_label_names.txt").write_text("apple\nbear\n")
    pixels = write(tmp_path / "train.bin", [[9, number % 2] for number in range(10)])
    write(tmp_path / "test.bin", [[9, 0], [9, 1]])
    dataset = read_cifar100(tmp_path)
    assert [record.pid for record in dataset.train] == [0] * 5 + [1] * 5
    second = np.asarray(load_image(dataset.train[1].path))
    np.testing.assert_array_equal(second, pixels[2].reshape(3, 32, 32).transpose(1, 2, 0))


def test_pickles_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"\x80\x04.")
    with pytest.raises(FileNotFoundError, match="pickles are not read"):
        read_cifar10(tmp_path)


def test_the_real_one(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    dataset = read_cifar10(data_root)
    assert (len(dataset.train), len(dataset.gallery), len(dataset.classes)) == (50_000, 10_000, 10)
    assert dataset.classes[:3] == ("airplane", "automobile", "bird")
    assert load_image(dataset.gallery[-1].path).size == (32, 32)
