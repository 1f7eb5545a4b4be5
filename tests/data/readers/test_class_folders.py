import shutil
import zipfile
from pathlib import Path

import pytest

from scalereid.data.readers.class_folders import check_class_counts, read_class_folders
from scalereid.data.reading import read_dataset
from scalereid.data.records import labels


def test_folders(class_images: Path) -> None:
    dataset = read_class_folders(class_images)
    assert (dataset.name, dataset.classes) == ("colours", ("blue", "green", "red"))
    assert (len(dataset.train), len(dataset.query), len(dataset.gallery)) == (36, 0, 12)
    assert {(record.path.parent.name, record.pid) for record in dataset.gallery} == {
        ("blue", 0),
        ("green", 1),
        ("red", 2),
    }
    assert labels(dataset.train).tolist() == [record.pid for record in dataset.train]


def test_a_zip_file_of_the_same(class_images: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as writer:
        writer.writestr("top/README.md", "")
        for file in sorted(class_images.rglob("*.png")):
            writer.write(file, f"top/{file.relative_to(class_images)}")
    dataset, expected = read_class_folders(tmp_path), read_class_folders(class_images)
    assert dataset.classes == expected.classes
    assert dataset.left_out == {"files in x.zip that are not images of a class": 1}
    names = [[str(one.path)[-12:] for one in each.train] for each in (dataset, expected)]
    assert sorted(names[0]) == sorted(names[1])
    assert [one.pid for one in dataset.train] == [one.pid for one in expected.train]
    named = read_dataset("class-folders@x.zip", tmp_path)
    assert (named.train, named.fingerprint()) == (dataset.train, dataset.fingerprint())


def test_one_folder_of_test_images_counts(class_images: Path, tmp_path: Path) -> None:
    """Of `test` and `val` the first that has images of classes, in folders as in a zip file; ImageNet's `test` has none."""
    shutil.copytree(class_images, tmp_path / "x")
    flat = tmp_path / "x" / "test"
    flat.mkdir()
    shutil.copy(class_images / "val" / "red" / "0.png", flat / "0.png")
    assert len(read_class_folders(tmp_path / "x").gallery) == 12
    (flat / "red").mkdir()
    (flat / "0.png").rename(flat / "red" / "0.png")
    shutil.make_archive(str(tmp_path / "x"), "zip", tmp_path / "x")
    for root in (tmp_path / "x", tmp_path / "x.zip"):
        dataset = read_class_folders(root)
        assert [record.path for record in dataset.gallery] == [root / "test" / "red" / "0.png"]
        assert dataset.left_out == {"images in val, as test is there": 12}


def test_hidden_folders_are_no_classes(class_images: Path, tmp_path: Path) -> None:
    shutil.copytree(class_images, tmp_path / "x")
    shutil.copytree(class_images / "train" / "red", tmp_path / "x" / "train" / ".cache")
    shutil.make_archive(str(tmp_path / "x"), "zip", tmp_path / "x")
    for root in (tmp_path / "x", tmp_path / "x.zip"):
        assert read_class_folders(root).classes == ("blue", "green", "red")


def test_names_of_datasets(class_images: Path, tmp_path: Path) -> None:
    (tmp_path / "pets-1.5").symlink_to(class_images)
    assert read_class_folders(tmp_path / "pets-1.5").name == "pets-1.5"


def test_what_cannot_be_read(class_images: Path, tmp_path: Path) -> None:
    shutil.copytree(class_images, tmp_path / "x")
    (tmp_path / "x" / "train" / "red").rename(tmp_path / "red")
    with pytest.raises(ValueError, match="has test images of red, but no training images"):
        read_class_folders(tmp_path / "x")
    shutil.rmtree(tmp_path / "x" / "val")
    shutil.rmtree(tmp_path / "x" / "train" / "blue")
    with pytest.raises(ValueError, match="has training images of 1 class; expected two or more"):
        read_class_folders(tmp_path / "x")
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as writer:
        writer.writestr("a.png", "")
    with pytest.raises(
        FileNotFoundError, match=r"y.zip contains no images of classes; expected names like train/CLASS/1.jpg"
    ):
        read_class_folders(tmp_path / "y.zip")
    with pytest.raises(
        ValueError, match="found 3 classes, 36 training and 12 test images, but the dataset has 3 classes, 36"
    ):
        check_class_counts(read_class_folders(class_images), 3, 36, 13)


def test_classes_are_not_combined_with_people(class_images: Path) -> None:
    with pytest.raises(ValueError, match="has classes, not people, and cannot be combined"):
        read_dataset("class-folders+class-folders@.", class_images)
