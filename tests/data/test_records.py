from dataclasses import replace
from pathlib import Path

import pytest

from scalereid.data.records import (
    Counts,
    ImageRecord,
    ReidDataset,
    count,
    is_left_out,
    labels,
    one_per_tracklet,
    pids_and_camids,
    tracklet_of,
)


def records(*people: tuple[int, int]) -> tuple[ImageRecord, ...]:
    return tuple(ImageRecord(Path(f"{i}.jpg"), pid, camid) for i, (pid, camid) in enumerate(people))


def test_labels_are_the_ranks_of_the_pids() -> None:
    assert labels(records((50, 1), (7, 1), (50, 2), (300, 1))).tolist() == [1, 0, 1, 2]


def test_count() -> None:
    assert count(records((1, 1), (1, 2), (4, 2))) == Counts(2, 3, 2)


def test_pids_and_camids() -> None:
    pids, camids = pids_and_camids(records((5, 1), (-1, 3)))
    assert pids.tolist() == [5, -1]
    assert camids.tolist() == [1, 3]


def test_fingerprint_changes_with_anything_that_matters(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"12345")
    one = (ImageRecord(tmp_path / "a.jpg", 1, 1),)
    other = (ImageRecord(tmp_path / "b.jpg", 2, 2),)
    dataset = ReidDataset("x", tmp_path, one, other, ())
    before = dataset.fingerprint()
    assert len(before) == 12
    assert replace(dataset, name="y").fingerprint() == before  # a name decides nothing
    assert replace(dataset, query=(), gallery=other).fingerprint() != before
    assert replace(dataset, query=(replace(other[0], camid=3),)).fingerprint() != before
    (tmp_path / "a.jpg").write_bytes(b"123456")
    assert dataset.fingerprint() != before


def test_fingerprint_does_not_depend_on_where_the_dataset_lies(tmp_path: Path) -> None:
    prints = []
    for folder in (tmp_path / "here", tmp_path / "there"):
        folder.mkdir()
        (folder / "a.jpg").write_bytes(b"1")
        prints.append(ReidDataset("x", folder, (ImageRecord(folder / "a.jpg", 1, 1),), (), ()).fingerprint())
    assert prints[0] == prints[1]


def test_fingerprint_of_a_table_with_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same whether the folder of the table is given as an absolute or as a relative path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"1")
    records = (ImageRecord(tmp_path / "a.jpg", 1, 1),)
    absolute, relative = (ReidDataset("x", root, records, (), ()).fingerprint() for root in (tmp_path, Path()))
    assert absolute == relative


def test_fingerprint_of_images_that_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"1")
    dataset = ReidDataset("x", tmp_path / "table", (ImageRecord(tmp_path / "a.jpg", 1, 1),), (), ())
    assert len(dataset.fingerprint()) == 12


def test_tracklets_are_found_as_one() -> None:
    images = records((1, 1), (1, 1), (2, 1), (1, 2), (1, 1), (2, 1), (1, 2))
    tracklets = [7, 7, None, 3, 7, 7, 7]  # numbers may begin anew with each person and camera
    images = tuple(replace(r, tracklet=tracklet) for r, tracklet in zip(images, tracklets, strict=True))
    assert tracklet_of(images).tolist() == [0, 0, 1, 2, 0, 3, 4]
    assert one_per_tracklet(images) == (images[0], images[2], images[3], images[5], images[6])
    assert count(images) == Counts(2, 7, 2, 4)


def test_the_same_image_listed_twice_is_two() -> None:
    twice = (*records((1, 1)), *records((1, 1)))
    assert tracklet_of(twice).tolist() == [0, 1]


@pytest.mark.parametrize("name", ["pid", "camid", "tracklet"])
@pytest.mark.parametrize("split", ["train", "query", "gallery"])
@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**500, 1.0, True, "1", None])
def test_numbers_that_cannot_be_scored_are_named(split: str, name: str, number: object) -> None:
    if name == "tracklet" and number is None:
        return
    sound = (ImageRecord(Path("a.jpg"), 2**63 - 1, -(2**63), 0),)
    dataset = ReidDataset("x", Path(), sound, sound, sound)
    wrong = replace(sound[0], path=Path("b.jpg"), **{name: number})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=rf"b\.jpg: {name} is .*; it must be a whole number that fits into 64 bits"):
        replace(dataset, **{split: (wrong,)})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gallery", "by_camera", "by_image"),
    [
        (ImageRecord(Path("q.jpg"), 1, 1), True, True),
        (ImageRecord(Path("a.jpg"), 1, 1), True, False),
        (ImageRecord(Path("a.jpg"), 1, 2), False, False),
        (ImageRecord(Path("a.jpg"), 2, 1), False, False),
        (ImageRecord(Path("q.jpg"), 2, 2), False, True),
    ],
)
def test_what_protocols_leave_out_of_a_querys_ranking(gallery: ImageRecord, by_camera: bool, by_image: bool) -> None:
    query = ImageRecord(Path("q.jpg"), 1, 1)
    assert is_left_out("market1501", query, gallery) is by_camera
    assert is_left_out("single-gallery-shot", query, gallery) is by_camera
    assert is_left_out("all-cameras", query, gallery) is by_image


def test_an_image_has_one_id_in_query_and_gallery() -> None:
    images = records((1, 1), (2, 1), (3, 1))
    labels = ReidDataset("x", Path(), (), images[:2], (images[2], images[1])).people_and_cameras()
    assert labels["query_pids"].tolist() == [1, 2]
    assert labels["gallery_pids"].tolist() == [3, 2]
    equal = labels["query_images"][:, None] == labels["gallery_images"]
    assert equal.tolist() == [[False, False], [False, True]]


def test_names_that_are_not_text_have_a_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.jpg"  # Latin-1 on a disk of UTF-8
    path.write_bytes(b"1")
    dataset = ReidDataset("x", tmp_path, (ImageRecord(path, 1, 1),), (), ())
    assert len(dataset.fingerprint()) == 12
