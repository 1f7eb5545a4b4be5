import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scalereid.data.check import check
from scalereid.data.check.files import check_files
from scalereid.data.records import ImageRecord, ReidDataset
from tests.conftest import NOT_FILES


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (20, 40), **options: object) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.fixture
def dataset(tmp_path: Path) -> ReidDataset:
    """Two people and two cameras on each side, each image another one."""
    splits = []
    for number, split in enumerate(("train", "query", "gallery")):
        records = []
        for i in range(4):
            pid, camid = 1 + i // 2 + (2 if number else 0), 1 + (i + number) % 2
            path = picture(tmp_path / f"{split}{i}.png", seed=10 * number + i)
            records.append(ImageRecord(path, pid, camid))
        splits.append(tuple(records))
    return ReidDataset("mine", tmp_path, splits[0], splits[1], splits[2])


def found(dataset: ReidDataset, decode: bool = False) -> dict[str, str]:
    done: list[int] = []
    findings = check_files(dataset, decode=decode, advance=done.append)
    assert sum(done) == len({r.path for records in dataset.splits.values() for r in records})
    return {finding.kind: " ".join([finding.severity, finding.message, *finding.examples]) for finding in findings}


def test_nothing_wrong(dataset: ReidDataset) -> None:
    assert found(dataset) == found(dataset, decode=True) == {}
    assert [finding.kind for finding in check(dataset)] == ["few-queries"]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("spoil", "message", "only_decoding"),
    [
        (lambda path: path.unlink(), "No such file", False),
        (lambda path: path.write_bytes(b""), "is empty: it has no bytes", False),
        (lambda path: path.write_text("not an image"), "cannot be read as an image", False),
        (truncate, "cannot be read as an image", True),
        (lambda path: Image.fromarray(np.zeros((40, 20), np.uint16)).save(path), "more than 8 bits a channel", False),
        (
            lambda path: Image.new("RGB", (20, 40)).save(
                path, save_all=True, append_images=[Image.new("RGB", (20, 40), "red")]
            ),
            "it has several frames",
            False,
        ),
        *(
            (lambda path, make=make: (path.unlink(), make(path)), rf": it is {words}, not a file", False)
            for words, make in NOT_FILES.items()
        ),
    ],
)
def test_unusable_files(
    dataset: ReidDataset, spoil: Callable[[Path], object], message: str, only_decoding: bool
) -> None:
    spoil(dataset.query[1].path)
    findings = found(dataset, decode=True)
    assert "error 1 of 12 files cannot be used" in findings["unusable-files"]
    assert message in findings["unusable-files"]
    assert "query1.png" in findings["unusable-files"]
    assert ("unusable-files" in found(dataset)) != only_decoding


def test_shapes(dataset: ReidDataset) -> None:
    picture(dataset.train[0].path, size=(60, 50))
    picture(dataset.train[1].path, size=(20, 200), seed=1)
    Image.new("RGB", (1, 1)).save(dataset.train[2].path)
    findings = found(dataset)
    assert "2 of 12 images do not have the shape of a person" in findings["odd-shapes"]
    assert "train0.png (60×50 pixels, width×height)" in findings["odd-shapes"]
    assert "1 of 12 images are less than 32 pixels tall or 16 wide" in findings["tiny-images"]


def test_a_picture_taken_with_the_camera_on_its_side_is_upright(dataset: ReidDataset) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(dataset.train[0].path, size=(40, 20), exif=exif)
    assert found(dataset) == {}


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (("train", 0), ("gallery", 0), "train-test-copies"),
        (("train", 0), ("train", 2), "copies-as-several-people"),
        (("query", 0), ("gallery", 0), "query-copies"),
        (("train", 0), ("train", 1), None),
    ],
)
def test_copies(dataset: ReidDataset, one: tuple[str, int], other: tuple[str, int], kind: str | None) -> None:
    first, second = (dataset.splits[split][i].path for split, i in (one, other))
    shutil.copy(first, second)
    findings = found(dataset)
    assert "note 1 file copied" in findings["copies"]
    assert (kind in findings) if kind else (findings.keys() == {"copies"})
    if kind:
        assert f"{first} = {second}" in findings[kind]


def test_one_file_listed_under_two_people(dataset: ReidDataset) -> None:
    record = dataset.train[0]
    twice = replace(dataset, train=(*dataset.train, replace(record, pid=99)))
    findings = found(twice)
    assert "1 image listed under the numbers of several people" in findings["copies-as-several-people"]
    assert str(record.path) in findings["copies-as-several-people"]
    assert "copies" not in findings


def test_folders_that_are_not_read_are_counted(dataset: ReidDataset) -> None:
    (dataset.root / "val").mkdir()
    for i in range(3):
        shutil.copy(dataset.train[0].path, dataset.root / "val" / f"{i}.png")
        (dataset.root / "val" / f"._{i}.png").write_bytes(b"macOS")
    (dataset.root / ".thumbnails").mkdir()
    shutil.copy(dataset.train[0].path, dataset.root / ".thumbnails" / "0.png")
    findings = found(dataset)
    assert "note 3 images in folders from which no image is in the dataset" in findings["unread-folders"]
    assert findings["unread-folders"].endswith(f"{dataset.root / 'val'}: 3")


def test_one_file_listed_twice_is_read_once_and_not_a_copy(dataset: ReidDataset) -> None:
    twice = ReidDataset("mine", dataset.root, dataset.train, dataset.query, dataset.query + dataset.gallery)
    assert found(twice) == {}


@pytest.mark.parametrize("split", ["train", "query", "gallery"])
def test_an_image_twice_in_a_split_is_an_error(dataset: ReidDataset, split: str) -> None:
    """Tables with such rows are not read; this is for readers of one's own."""
    records = dataset.splits[split]
    findings = found(replace(dataset, **{split: (*records, records[1])}))  # type: ignore[arg-type]
    assert findings.keys() == {"repeated-images"}
    assert findings["repeated-images"].startswith("error 1 image more than once in one split, each time counted")
    assert str(records[1].path) in findings["repeated-images"]


def test_worst_first(dataset: ReidDataset) -> None:
    dataset.train[0].path.write_bytes(b"")
    shutil.copy(dataset.train[1].path, dataset.gallery[1].path)
    assert [finding.severity for finding in check(dataset)] == ["error", "warning", "warning", "note", "note"]


def test_unreadable_by_permission(dataset: ReidDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root one may read everything, so the refusal is staged."""

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "train0.png: Permission denied" in found(dataset)["unusable-files"]


def test_copies_within_one_camera_are_free_matches_where_cameras_do_not_matter(dataset: ReidDataset) -> None:
    query, gallery = dataset.query[0], next(r for r in dataset.gallery if r.camid == dataset.query[0].camid)
    gallery = replace(gallery, pid=query.pid)
    dataset = replace(dataset, gallery=(gallery, *(r for r in dataset.gallery if r.path != gallery.path)))
    shutil.copy(query.path, gallery.path)
    assert "query-copies" not in found(dataset)
    assert "query-copies" in found(replace(dataset, protocol="all-cameras"))
